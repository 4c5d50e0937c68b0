"""Operations on the kernel: frozen values, performed by the kernel room in the order of a plan.

Every operation acts in one namespace: HOST, or the sandbox that `namespace` names.
Every creating operation knows its inverse.
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from weft.model.address import Address, Interface, Network

HOST = ""  # the daemon's own network namespace


@runtime_checkable
class Operation(Protocol):
    """What a plan is made of."""

    @property
    def inverse(self) -> "Operation | None":
        """The operation that undoes this one, or None where there is nothing to undo."""
        ...


@dataclass(frozen=True, slots=True)
class CreateSandbox:
    """Make a network namespace pinned by name, with loopback up and the sysctls that containers expect."""

    sandbox: str

    @property
    def inverse(self) -> "DeleteSandbox":
        return DeleteSandbox(self.sandbox)


@dataclass(frozen=True, slots=True)
class DeleteSandbox:
    """Unpin a namespace; its links vanish with its last process. A namespace that is not there is no error."""

    sandbox: str

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class CreateBridge:
    """Make a bridge in the host's namespace, up. `mac` "" is the kernel's choice."""

    name: str
    mtu: int = 1500
    mac: str = ""
    alias: str = ""

    @property
    def inverse(self) -> "DeleteLink":
        return DeleteLink(self.name)


@dataclass(frozen=True, slots=True)
class ExtendBridge:
    """Make a further bridge behind `bridge`, joined to it by a veth pair, where it is not there yet.

    `trunk` is the pair's end in `bridge`, `branch` the one in `name`. `isolated` keeps the trunk from the other
    isolated ports of `bridge`. It stays when what comes later in a plan fails, as it is others' too.
    """

    bridge: str
    name: str
    trunk: str
    branch: str
    mtu: int = 1500
    alias: str = ""
    isolated: bool = False

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class CreateVeth:
    """Make a veth pair: `name` in the host as a port of `bridge` ("" for none), `peer` in the sandbox, both up.

    `mac` is the peer's. `isolated` keeps bridge ports from talking to each other (icc=false). `hairpin` lets the bridge
    send a frame back by the port that it came in by.
    """

    name: str
    sandbox: str
    peer: str
    mac: str
    bridge: str = ""
    mtu: int = 1500
    alias: str = ""
    isolated: bool = False
    hairpin: bool = False

    @property
    def inverse(self) -> "DeleteLink":
        return DeleteLink(self.name)


@dataclass(frozen=True, slots=True)
class RequireLinks:
    """Fail, naming the kernel's option, where the kernel cannot make links of this kind (macvlan, ipvlan …)."""

    kind: str

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class CreateMacvlan:
    """Make a macvlan link on a link of the host, up, in a sandbox or in the host itself.

    `mode` is private, vepa, bridge or passthru. `mac` "" is the kernel's choice, which in mode passthru is the parent's
    own; one that is given there becomes the parent's as well. `mtu` 0 is the parent's.
    """

    name: str
    parent: str
    sandbox: str = HOST
    mode: str = "bridge"
    mac: str = ""
    mtu: int = 0
    alias: str = ""

    @property
    def inverse(self) -> "DeleteLink":
        return DeleteLink(self.name, self.sandbox)


@dataclass(frozen=True, slots=True)
class CreateIpvlan:
    """Make an ipvlan link on a link of the host, up, in a sandbox; it has the parent's MAC. `mtu` 0 is the parent's.

    `mode` is l2, l3 or l3s, `flag` bridge, private or vepa; the kernel has one of each for all links of a parent.
    """

    name: str
    parent: str
    sandbox: str
    mode: str = "l2"
    flag: str = "bridge"
    mtu: int = 0
    alias: str = ""

    @property
    def inverse(self) -> "DeleteLink":
        return DeleteLink(self.name, self.sandbox)


@dataclass(frozen=True, slots=True)
class CreateVlan:
    """Make an 802.1q sub-interface of a link of the host, up as soon as that one is."""

    name: str
    parent: str
    vid: int
    alias: str = ""

    @property
    def inverse(self) -> "DeleteLink":
        return DeleteLink(self.name)


@dataclass(frozen=True, slots=True)
class CreateDummy:
    """Make a link of the host's that leads nowhere, up: links upon it reach each other, and nothing else."""

    name: str
    alias: str = ""

    @property
    def inverse(self) -> "DeleteLink":
        return DeleteLink(self.name)


@dataclass(frozen=True, slots=True)
class RaiseLink:
    """Bring up a link of the host that somebody else made; one that is up stays so."""

    link: str

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class SetAlias:
    """Write the alias (ifalias) of a link of the host."""

    link: str
    alias: str

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class MoveLink:
    """Move a link of the host into a sandbox, where it is called `link`; bring it up. `mac` "" leaves it its own."""

    source: str
    sandbox: str
    link: str
    mac: str = ""

    @property
    def inverse(self) -> "ReturnLink":
        return ReturnLink(self.link, self.source, self.sandbox)


@dataclass(frozen=True, slots=True)
class ReturnLink:
    """Give a link of a sandbox back to the host, down, as `source`; one that is not there is no error."""

    link: str
    source: str
    namespace: str

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class DeleteLink:
    """Delete a link; one that is not there is no error.

    `at_once` does so even where its sandbox is deleted by the same plan: the kernel would take its time, and what the
    link holds of its parent is wanted by the next one.
    """

    name: str
    namespace: str = HOST
    at_once: bool = False

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Put an address on a link, without duplicate address detection for IPv6."""

    link: str
    interface: Interface
    namespace: str = HOST

    @property
    def inverse(self) -> "DeleteAddress":
        return DeleteAddress(self.link, self.interface, self.namespace)


@dataclass(frozen=True, slots=True)
class DeleteAddress:
    """Take an address off a link; one that is not there is no error."""

    link: str
    interface: Interface
    namespace: str = HOST

    @property
    def inverse(self) -> AddAddress:
        return AddAddress(self.link, self.interface, self.namespace)


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Add or replace a route; `gateway` None is on-link. A default route has destination 0.0.0.0/0 or ::/0."""

    destination: Network
    link: str
    gateway: Address | None = None
    namespace: str = HOST

    @property
    def inverse(self) -> "DeleteRoute":
        return DeleteRoute(self.destination, self.link, self.gateway, self.namespace)


@dataclass(frozen=True, slots=True)
class DeleteRoute:
    """Delete a route; one that is not there is no error."""

    destination: Network
    link: str
    gateway: Address | None = None
    namespace: str = HOST

    @property
    def inverse(self) -> AddRoute:
        return AddRoute(self.destination, self.link, self.gateway, self.namespace)


@dataclass(frozen=True, slots=True)
class AdvertiseAddresses:
    """Tell a link's neighbours its addresses: gratuitous ARP (RFC 5227), unsolicited NA (RFC 4861, 7.2.6).

    `count` times, `interval` milliseconds apart, the first one at once. Nobody waits, and a link that is gone is let
    be.
    """

    link: str
    mac: str
    addresses: tuple[Address, ...]
    count: int
    interval: int
    namespace: str

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class LimitRate:
    """Send at most `rate` bytes a second by a link; `burst` bytes go at once, `queue` bytes wait, the rest is lost."""

    link: str
    rate: int
    burst: int
    queue: int
    namespace: str = HOST

    @property
    def inverse(self) -> "ClearQueue":
        return ClearQueue(self.link, self.namespace)


@dataclass(frozen=True, slots=True)
class DelayPackets:
    """Delay what a link sends by `delay` microseconds, give or take `jitter`, and lose `loss` packets in a million.

    `below_rate` where the link's rate was limited before, which it stays.
    """

    link: str
    delay: int = 0
    jitter: int = 0
    loss: int = 0
    below_rate: bool = False
    namespace: str = HOST

    @property
    def inverse(self) -> "ClearQueue":
        return ClearQueue(self.link, self.namespace)


@dataclass(frozen=True, slots=True)
class ClearQueue:
    """Undo LimitRate and DelayPackets of a link; one that has neither, or is not there, is no error."""

    link: str
    namespace: str = HOST

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class SetSysctl:
    """Write a network sysctl, named with dots or slashes below /proc/sys (net.ipv4.conf.br0.route_localnet).

    Where `optional`, a kernel that does not have it is no error.
    """

    key: str
    value: str
    namespace: str = HOST
    optional: bool = False

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class LoadTable:
    """Replace one nftables table (family inet) by `ruleset`, its text between the braces, in one transaction."""

    table: str
    ruleset: str
    namespace: str = HOST

    @property
    def inverse(self) -> "DeleteTable":
        return DeleteTable(self.table, self.namespace)


@dataclass(frozen=True, slots=True)
class DeleteTable:
    """Delete one nftables table (family inet); one that is not there is no error."""

    table: str
    namespace: str = HOST

    @property
    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True, order=True)
class Element:
    """An element of a set (`value` empty) or map, in nft's words: key ("tcp", "80"), value ("172.17.0.2", "80")."""

    key: tuple[str, ...]
    value: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddElements:
    """Add elements to a set or map of a table of family inet."""

    table: str
    set: str
    elements: tuple[Element, ...]
    namespace: str = HOST

    @property
    def inverse(self) -> "DeleteElements":
        return DeleteElements(self.table, self.set, self.elements, self.namespace)


@dataclass(frozen=True, slots=True)
class DeleteElements:
    """Delete elements of a set or map; ones that are not there are no error."""

    table: str
    set: str
    elements: tuple[Element, ...]
    namespace: str = HOST

    @property
    def inverse(self) -> AddElements:
        return AddElements(self.table, self.set, self.elements, self.namespace)


@dataclass(frozen=True, slots=True)
class ForgetFlows:
    """Drop conntrack entries that were translated to `address`, for the given UDP ports, so that stale flows end."""

    address: Address
    ports: tuple[int, ...] = field(default_factory=tuple)

    @property
    def inverse(self) -> None:
        return None
