"""What the engine needs of DHCP: an address for an interface that is there already, kept for as long as it is used."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRequest:
    """Who wants an address: the interface `link` in the namespace pinned at `path`, with the MAC that it has.

    `hostname` is told to the server, for its own names; `network` is the name for messages.
    """

    endpoint_id: str
    network: str
    path: str
    link: str
    hostname: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a server gave (RFC 2131, RFC 2132). `interface` None is an address that was taken back, or ran out."""

    endpoint_id: str
    interface: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    dns_servers: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    server: str = ""
    seconds: int = 0


class Leases(Protocol):
    """Holds leases by clients that outlive the daemon. They give addresses to interfaces, and take old ones away."""

    async def acquire(self, request: LeaseRequest) -> Lease:
        """Get a lease; its address is on the interface then, without a default route.

        Unavailable, in bounded time, where no server answers; SystemFailure where the client cannot be run. Nothing is
        left behind then.
        """
        ...

    async def release(self, endpoint_id: str) -> None:
        """Give the address back to the server and end the client; none is no error. The interface is still there."""
        ...

    async def adopt(self, requests: Collection[LeaseRequest]) -> tuple[Lease, ...]:
        """After a start of the daemon: return what these hold by now, clients that are gone started anew.

        Clients of all other endpoints are ended.
        """
        ...

    def changes(self) -> AsyncIterator[Lease]:
        """Yield the leases whose address, gateway or name servers are others than before."""
        ...
