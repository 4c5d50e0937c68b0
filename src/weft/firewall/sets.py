"""The sets and maps that hold everything which grows: with networks, and with published ports."""

from dataclasses import dataclass

# One element a network.
BRIDGES = "bridges"
INTERNAL = "internal"
WITHIN = "within"
ENTERING = "entering"
# One element a network and interface from which it takes traffic to endpoints' own addresses.
TRUSTED = "trusted"
# One element a TCP port of the host, or a long run of them, at all of its IPv6 addresses, at those that cannot be
# translated, or at one, which the relay carries; and the port that the relay listens on.
RELAYED = "relayed"
RELAYED_RUNS = "relayed_runs"
RELAYED_HERE = "relayed_here"
RELAYED_HERE_RUNS = "relayed_here_runs"
BOUND_RELAYED = "bound_relayed"
BOUND_RELAYED_RUNS = "bound_relayed_runs"
RELAY = "relay"
# One element a port that a legacy link opens.
LINKS = "links"


@dataclass(frozen=True, slots=True)
class Family:
    """The words of one IP version, and its sets."""

    version: int
    protocol: str  # as `meta nfproto` and `dnat` name it
    header: str  # as payload expressions name it: ip, ip6
    address: str  # nft's type of an address

    @property
    def home(self) -> str:
        """Set of (subnet, bridge): addresses on the interface that they belong to."""
        return f"home{self.version}"

    @property
    def masquerade(self) -> str:
        """Set of subnets whose traffic leaves with the address of the outgoing interface."""
        return f"masquerade{self.version}"

    @property
    def source(self) -> str:
        """Map of subnet to the address that its traffic leaves with."""
        return f"source{self.version}"

    @property
    def ports(self) -> str:
        """Map of (protocol, port) at every address of the host to (address, port) of a container."""
        return f"ports{self.version}"

    @property
    def runs(self) -> str:
        """Map of (protocol, range of ports) at every address of the host to an address; the port stays the same."""
        return f"runs{self.version}"

    @property
    def bound_ports(self) -> str:
        """Like `ports`, at one address of the host."""
        return f"bound_ports{self.version}"

    @property
    def bound_runs(self) -> str:
        """Like `runs`, at one address of the host."""
        return f"bound_runs{self.version}"

    @property
    def direct(self) -> str:
        """Set of (address, protocol, port) of endpoints that may be reached without translation."""
        return f"direct{self.version}"

    @property
    def direct_runs(self) -> str:
        """Like `direct`, of long runs of ports."""
        return f"direct_runs{self.version}"

    @property
    def exposure(self) -> str:
        """Map of (address, protocol, port) of endpoints to the chain that decides; those open to all are not in it."""
        return f"exposure{self.version}"

    @property
    def exposure_runs(self) -> str:
        """Like `exposure`, of long runs of ports."""
        return f"exposure_runs{self.version}"

    @property
    def listed(self) -> str:
        """Set of (address, protocol, range of ports, source prefix): who may reach ports with an allow-list."""
        return f"listed{self.version}"

    @property
    def connected(self) -> str:
        """Set of the subnets that the host is directly connected to."""
        return f"connected{self.version}"


IPV4 = Family(4, "ipv4", "ip", "ipv4_addr")
IPV6 = Family(6, "ipv6", "ip6", "ipv6_addr")
FAMILIES = {4: IPV4, 6: IPV6}


@dataclass(frozen=True, slots=True)
class SetDeclaration:
    """A set or map: its name and the lines that declare it. Only `interval` ones are slow to change."""

    name: str
    kind: str  # "set" or "map"
    type: str
    interval: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """What stands between its braces, elements apart."""
        return (self.type, "flags interval") if self.interval else (self.type,)


def _of_family(family: Family) -> tuple[SetDeclaration, ...]:
    address = family.address
    return (
        SetDeclaration(family.home, "set", f"type {address} . ifname", interval=True),
        SetDeclaration(family.masquerade, "set", f"type {address}", interval=True),
        SetDeclaration(family.source, "map", f"type {address} : {address}", interval=True),
        SetDeclaration(family.ports, "map", f"type inet_proto . inet_service : {address} . inet_service"),
        SetDeclaration(family.runs, "map", f"type inet_proto . inet_service : {address}", interval=True),
        SetDeclaration(
            family.bound_ports, "map", f"type {address} . inet_proto . inet_service : {address} . inet_service"
        ),
        SetDeclaration(
            family.bound_runs, "map", f"type {address} . inet_proto . inet_service : {address}", interval=True
        ),
        SetDeclaration(family.direct, "set", f"type {address} . inet_proto . inet_service"),
        SetDeclaration(family.direct_runs, "set", f"type {address} . inet_proto . inet_service", interval=True),
        SetDeclaration(family.exposure, "map", f"type {address} . inet_proto . inet_service : verdict"),
        SetDeclaration(
            family.exposure_runs, "map", f"type {address} . inet_proto . inet_service : verdict", interval=True
        ),
        SetDeclaration(family.listed, "set", f"type {address} . inet_proto . inet_service . {address}", interval=True),
        SetDeclaration(family.connected, "set", f"type {address}", interval=True),
    )


DECLARATIONS = (
    SetDeclaration(BRIDGES, "set", "type ifname"),
    SetDeclaration(INTERNAL, "set", "type ifname"),
    SetDeclaration(WITHIN, "map", "type ifname . ifname : verdict"),
    SetDeclaration(ENTERING, "map", "typeof meta nfproto . meta oifname : verdict"),
    SetDeclaration(TRUSTED, "set", "type ifname . ifname"),
    SetDeclaration(LINKS, "set", "type ipv4_addr . ipv4_addr . inet_proto . inet_service"),
    # The kernel keeps a set of bare ports as a list, which is slow to change.
    SetDeclaration(RELAYED, "set", "type inet_proto . inet_service"),
    SetDeclaration(RELAYED_RUNS, "set", "type inet_proto . inet_service", interval=True),
    SetDeclaration(RELAYED_HERE, "set", "type inet_proto . inet_service"),
    SetDeclaration(RELAYED_HERE_RUNS, "set", "type inet_proto . inet_service", interval=True),
    SetDeclaration(BOUND_RELAYED, "set", "type ipv6_addr . inet_proto . inet_service"),
    SetDeclaration(BOUND_RELAYED_RUNS, "set", "type ipv6_addr . inet_proto . inet_service", interval=True),
    SetDeclaration(RELAY, "map", "type inet_proto : inet_service"),
    *_of_family(IPV4),
    *_of_family(IPV6),
)
