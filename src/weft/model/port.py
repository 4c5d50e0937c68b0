"""Published ports."""

from dataclasses import dataclass
from enum import StrEnum

from weft.model.address import Address


class Protocol(StrEnum):
    """Transport protocols that ports are published for."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"


@dataclass(frozen=True, slots=True, order=True)
class ContainerPort:
    """A port inside a container; written `80/tcp`."""

    number: int
    protocol: Protocol = Protocol.TCP

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol.value}"


@dataclass(frozen=True, slots=True)
class PortRequest:
    """One binding asked for with -p: host_address None is every address, ports 0..0 is any free port.

    `host_first`..`host_last` is a range from which one free port is taken.
    """

    container_port: ContainerPort
    host_address: Address | None = None
    host_first: int = 0
    host_last: int = 0


@dataclass(frozen=True, slots=True, order=True)
class PublishedPort:
    """A binding in force: `host_address` is 0.0.0.0 or :: for every address of its family."""

    container_port: ContainerPort
    host_address: Address
    host_port: int
