"""Publications: a port of the host that leads to a port of an endpoint."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address

from weft.model.address import Address
from weft.model.endpoint import Endpoint
from weft.model.exposure import OPEN, Exposure
from weft.model.port import ContainerPort, Protocol, PublishedPort


class Way(Enum):
    """How a connection to the host's port gets to the endpoint."""

    TRANSLATED = auto()
    RELAYED = auto()  # by the relay, which knows the endpoint: `address` and `port` are the host's
    RELAYED_HERE = auto()  # by the relay at those addresses that cannot be translated, ::1 and link-local ones


@dataclass(frozen=True, slots=True)
class Publication:
    """`host_address` is 0.0.0.0 or :: for every address of the host; both addresses are of one family.

    `host_port` 0 is none: the port is reached at the endpoint's own address alone. Where `direct`, there as well.
    `owner` tells endpoints apart to which the relay leads.
    """

    protocol: Protocol
    host_address: Address
    host_port: int
    address: Address
    port: int
    direct: bool = False
    exposure: Exposure = OPEN
    way: Way = Way.TRANSLATED
    owner: str = ""

    def __post_init__(self) -> None:
        if self.host_address.version != self.address.version:
            raise ValueError(f"{self.host_address} and {self.address} are of different families")


def _open(port: ContainerPort) -> Exposure:
    return OPEN


def publications(
    ports: Iterable[PublishedPort],
    endpoint: Endpoint,
    *,
    direct: bool = False,
    exposure: Callable[[ContainerPort], Exposure] = _open,
) -> tuple[Publication, ...]:
    """Return what leads to `endpoint`. Ports of a family that it has no address of are left out: no rule reaches it."""
    targets: dict[int, IPv4Address | IPv6Address] = {}
    if endpoint.ipv4 is not None:
        targets[4] = endpoint.ipv4.ip
    if endpoint.ipv6 is not None:
        targets[6] = endpoint.ipv6.ip
    return tuple(
        Publication(
            port.container_port.protocol,
            port.host_address,
            port.host_port,
            targets[port.host_address.version],
            port.container_port.number,
            direct or not port.host_port,
            exposure(port.container_port),
        )
        for port in ports
        if port.host_address.version in targets
    )
