"""What the engine needs of the kernel room."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from typing import Protocol as Contract

from weft.engine.contract.usage import InterfaceCounters
from weft.model.address import Address, Interface, Network
from weft.model.port import Protocol
from weft.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface as observed. `alias` is its ifalias, where Weft writes the id of the object it serves."""

    index: int
    name: str
    kind: str  # "bridge", "veth", "" for physical ones
    mac: str
    mtu: int
    up: bool
    alias: str = ""
    master: int = 0
    lower: int = 0  # index of the link of the same namespace that it was made upon: macvlan, ipvlan, vlan
    addresses: tuple[Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """One observation of the daemon's own namespace, and the names of pinned sandboxes."""

    links: tuple[Link, ...]
    routes: tuple[Network, ...]  # destinations of the main table, default routes left out
    default_mtu: int  # of the interface that carries the default route; 1500 without one
    sandboxes: frozenset[str]
    tables: frozenset[str]  # nftables tables of family inet
    link_routes: tuple[tuple[Network, int], ...] = ()  # the same destinations, each with the index of its link
    bridge_netfilter: bool = False  # whether bridged IPv4 frames pass through the firewall (br_netfilter)

    def routes_of(self, link: int) -> tuple[Network, ...]:
        """Return the destinations that are routed through the link of that index."""
        return tuple(destination for destination, index in self.link_routes if index == link)

    def link(self, name: str) -> Link | None:
        """Return the link of that name, or None."""
        return next((link for link in self.links if link.name == name), None)

    def link_names(self) -> tuple[str, ...]:
        """Return the names of all links."""
        return tuple(link.name for link in self.links)


@dataclass(frozen=True, slots=True)
class ForeignListing:
    """Tables of other programs that packets to and from containers pass, as libnftables-json(5) has them; `unseen` says
    what is not in it, and why.
    """

    entries: tuple[Mapping[str, Any], ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket of the host that occupies a port; `address` may be 0.0.0.0 or ::."""

    protocol: Protocol
    address: Address
    port: int


@dataclass(frozen=True, slots=True)
class SandboxSockets:
    """DNS sockets opened inside a sandbox on 127.0.0.11 (file descriptors the receiver owns), and their ports."""

    udp: int
    tcp: int
    udp_port: int
    tcp_port: int


class Kernel(Contract):
    """Performs plans and observes. Errors are SystemFailure, naming the operation and the kernel's reason."""

    async def apply(self, plan: Plan) -> None:
        """Perform every operation in order; what fails half-way is undone and the error raised."""
        ...

    async def teardown(self, plan: Plan) -> None:
        """Perform every operation, going on after errors; raises ExceptionGroup with all of them at the end."""
        ...

    async def facts(self) -> Facts:
        """Observe links, routes, sandboxes and tables now."""
        ...

    async def listeners(self) -> frozenset[Listener]:
        """Return what the host's own sockets occupy: TCP in LISTEN, UDP bound (sock_diag, one dump a family)."""
        ...

    def ephemeral_ports(self) -> range:
        """Return the host's net.ipv4.ip_local_port_range."""
        ...

    def make_room_for_neighbours(self) -> int:
        """Raise the machine's limits of neighbours; return the lowest in force, 0 where the kernel shows none."""
        ...

    async def open_dns_sockets(self, sandbox: str) -> SandboxSockets:
        """Open UDP and TCP sockets inside a sandbox at 127.0.0.11 on free ports, and redirect its port 53 to them."""
        ...

    def is_local(self, address: Address) -> bool:
        """Whether `address` is the host's own, so that a port can be bound to it."""
        ...

    def sandbox_path(self, sandbox: str) -> str:
        """Return the path of the pinned namespace, for the OCI runtime."""
        ...

    async def counters(self, sandbox: str) -> Mapping[str, InterfaceCounters]:
        """Return what each interface of a sandbox has received and sent."""
        ...

    def flushed(self) -> AsyncIterator[str]:
        """Yield the name of one of Weft's tables whenever somebody else deleted it, or took something out of it."""
        ...

    async def foreign_rules(self) -> ForeignListing:
        """Return the tables of others that see forwarded packets."""
        ...

    def foreign_changes(self) -> AsyncIterator[None]:
        """Yield whenever tables of others have changed."""
        ...

    def addresses_changed(self) -> AsyncIterator[None]:
        """Yield whenever the host's own addresses changed; for one caller."""
        ...


LOOPBACK_DNS = IPv4Address("127.0.0.11")
ANY_IPV4 = IPv4Address("0.0.0.0")  # noqa: S104 - the address that stands for all of them, not a bind
ANY_IPV6 = IPv6Address("::")
