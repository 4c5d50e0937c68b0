"""What the engine needs of the relay, which carries what NAT cannot."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Protocol as Contract

from weft.engine.contract.kernel import Listener
from weft.model.address import Address
from weft.model.exposure import OPEN, Exposure
from weft.model.port import Protocol


@dataclass(frozen=True, slots=True)
class RelayedPort:
    """A port at an IPv6 address of the host (:: every one) that leads to a container's address of either family."""

    protocol: Protocol
    host_address: IPv6Address
    host_port: int
    address: Address
    port: int
    exposure: Exposure = OPEN


class Relay(Contract):
    """The relay: a process that is there while it has ports, and survives the daemon."""

    @property
    def available(self) -> bool:
        """Whether ports may be given to it at all."""
        ...

    @property
    def port(self) -> int:
        """The port of the host that TCP connections are to be redirected to, 0 while there is none to carry."""
        ...

    def listeners(self) -> frozenset[Listener]:
        """Return the sockets of the UDP ports that it has, which stand in nobody's way: the engine knows of them."""
        ...

    async def settle(self, container_id: str, ports: tuple[RelayedPort, ...]) -> None:
        """Carry these ports for a container in place of those before, all or none, from `settled` on.

        Raises SystemFailure in Docker's words where a port cannot be bound.
        """
        ...

    async def settled(self, container_id: str) -> None:
        """Return when clients of a container's ports are served."""
        ...

    def moved(self) -> AsyncIterator[None]:
        """Yield whenever `port` has changed although no port was settled: the process had nothing to do, or died."""
        ...

    async def restore(self, ports: Mapping[str, tuple[RelayedPort, ...]]) -> None:
        """Take over what the process carries, after a start of the daemon: it is to be `ports`, by container."""
        ...
