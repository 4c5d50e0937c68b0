"""Segments: what a network looks like to the host's firewall."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from weft.model.address import Network as Subnet


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A network that the host forwards for, through the interface `bridge`."""

    network_id: str
    bridge: str
    subnets: tuple[Subnet, ...]
    internal: bool = False  # nothing in or out, only from one endpoint to another
    icc: bool = True  # endpoints may talk to each other without publishing ports
    masquerade: bool = True
    source_ipv4: IPv4Address | None = None  # leave with this address, in place of that of the outgoing interface
    source_ipv6: IPv6Address | None = None
    unprotected: frozenset[int] = frozenset()  # IP versions in which all ports can be reached from everywhere
    routed: frozenset[int] = frozenset()  # IP versions without NAT: published ports are reached at their own address
    direct: bool = False  # published ports are reached at their own address too, from everywhere
    trusted: tuple[str, ...] = ()  # host interfaces from which published ports are reached at their own address too

    def is_direct(self, version: int) -> bool:
        """Whether somebody may reach published ports at the endpoints' own addresses."""
        return version in self.routed or self.direct or bool(self.trusted)
