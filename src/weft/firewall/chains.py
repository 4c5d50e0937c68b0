"""The chains: a fixed number of rules, whatever the number of networks and ports; only lookups refer to either."""

from weft.firewall.connected import PRIVATE
from weft.firewall.sets import (
    BOUND_RELAYED,
    BOUND_RELAYED_RUNS,
    BRIDGES,
    ENTERING,
    FAMILIES,
    INTERNAL,
    IPV4,
    IPV6,
    LINKS,
    RELAY,
    RELAYED,
    RELAYED_HERE,
    RELAYED_HERE_RUNS,
    RELAYED_RUNS,
    TRUSTED,
    WITHIN,
    Family,
)
from weft.model.mark import Mark

PUBLISHED_ONLY = "published_only"
LINKED_ONLY = "linked_only"
WITHIN_HOME = "within_home"
CLOSED = "closed"
# What a packet that enters a network goes through, from nothing to everything, and who may use a published port.
DIRECT = "direct"
TRUSTED_DIRECT = "trusted_direct"
ROUTED = "routed"
EXPOSED = "exposed"
LAN = "lan"
LISTED = "listed"
REFUSED = "refused"
_PORT = "daddr . meta l4proto . th dport"
# No address but the host's own can answer for ::1, and link-local ones cannot be forwarded (RFC 4291, 2.5).
_HERE = "{ ::1, fe80::/10 }"
_ISLAND = "weft: internal network"


def _prerouting_raw() -> tuple[str, ...]:
    return (
        "type filter hook prerouting priority raw; policy accept;",
        # Bridges route 127.0.0.0/8, for published ports on it: nobody but the host itself may use that.
        # Each packet of each connection comes by here: what nearly none has is asked first.
        'ip daddr 127.0.0.0/8 iifname != "lo" counter drop comment "weft: loopback from outside"',
        f'ip saddr 127.0.0.0/8 iifname @{BRIDGES} counter drop comment "weft: forged loopback source"',
    )


def _nat_hook(hook: str, priority: str) -> tuple[str, ...]:
    return (
        f"type nat hook {hook} priority {priority}; policy accept;",
        "meta l4proto { tcp, udp, sctp } fib daddr type local goto publish",
    )


def _publish(family: Family) -> tuple[str, ...]:
    dnat, header = f"dnat {family.header} to", family.header
    # A port is held at every address or at some, never both, so the order is that of how often each is used.
    return (
        f"{dnat} meta l4proto . th dport map @{family.ports}",
        f"{dnat} {header} daddr . meta l4proto . th dport map @{family.bound_ports}",
        f"{dnat} meta l4proto . th dport map @{family.runs}",
        f"{dnat} {header} daddr . meta l4proto . th dport map @{family.bound_runs}",
    )


def _relay() -> tuple[str, ...]:
    redirect = f"redirect to :meta l4proto map @{RELAY}"
    rules = [f"meta l4proto tcp meta l4proto . th dport @{name} {redirect}" for name in (RELAYED, RELAYED_RUNS)]
    rules += [
        f"meta l4proto tcp ip6 daddr {_HERE} meta l4proto . th dport @{name} {redirect}"
        for name in (RELAYED_HERE, RELAYED_HERE_RUNS)
    ]
    rules += [f"meta l4proto tcp ip6 {_PORT} @{name} {redirect}" for name in (BOUND_RELAYED, BOUND_RELAYED_RUNS)]
    return tuple(rules)


def _postrouting() -> tuple[str, ...]:
    rules = ["type nat hook postrouting priority srcnat; policy accept;"]
    families = FAMILIES.values()
    rules += [f"ip saddr 127.0.0.0/8 oifname @{BRIDGES} masquerade"]
    rules += [f"{f.header} saddr . oifname @{f.home} goto {WITHIN_HOME}" for f in families]
    rules += [f"snat {f.header} to {f.header} saddr map @{f.source}" for f in families]
    rules += [f"{f.header} saddr @{f.masquerade} masquerade" for f in families]
    return tuple(rules)


def _forward() -> tuple[str, ...]:
    return (
        "type filter hook forward priority filter; policy accept;",
        # The first packets of both directions tell the other side what fits: the least MTU on the way (RFC 6691).
        "tcp flags syn / syn,rst tcp option maxseg size set rt mtu",
        "ct state established,related accept",
        f"iifname . oifname vmap @{WITHIN}",
        f'iifname @{INTERNAL} counter drop comment "{_ISLAND}"',
        f"meta nfproto . oifname vmap @{ENTERING}",
    )


CHAINS: dict[str, tuple[str, ...]] = {
    "raw_prerouting": _prerouting_raw(),
    "nat_prerouting": _nat_hook("prerouting", "dstnat"),
    "nat_output": _nat_hook("output", "-100"),
    "publish": ("meta nfproto vmap { ipv4 : goto publish4, ipv6 : goto publish6 }",),
    "publish4": _publish(IPV4),
    "publish6": (*_relay(), f"ip6 daddr {_HERE} return", *_publish(IPV6)),
    "nat_postrouting": _postrouting(),
    # An endpoint that reaches a neighbour, or itself, through a published port must get its answers through the host.
    WITHIN_HOME: ("ct status dnat masquerade",),
    "forward": _forward(),
    LINKED_ONLY: (f"ip saddr . ip daddr . meta l4proto . th dport @{LINKS} accept", f"goto {PUBLISHED_ONLY}"),
    PUBLISHED_ONLY: (f"ct status dnat goto {EXPOSED}", 'counter drop comment "weft: port not published"'),
    CLOSED: (f'counter drop comment "{_ISLAND}"',),
    TRUSTED_DIRECT: (f"iifname . oifname @{TRUSTED} goto {DIRECT}", f"goto {PUBLISHED_ONLY}"),
    ROUTED: ("meta l4proto { icmp, ipv6-icmp } accept", f"goto {DIRECT}"),
    DIRECT: (
        *(
            f"{f.header} {_PORT} @{name} goto {EXPOSED}"
            for f in FAMILIES.values()
            for name in (f.direct, f.direct_runs)
        ),
        f"goto {PUBLISHED_ONLY}",
    ),
    EXPOSED: (
        *(f"{f.header} {_PORT} vmap @{name}" for f in FAMILIES.values() for name in (f.exposure, f.exposure_runs)),
        "accept",
    ),
    LAN: (
        *(
            f"{family.header} saddr {{ {', '.join(map(str, PRIVATE[family.version]))} }} accept"
            for family in FAMILIES.values()
        ),
        *(f"{family.header} saddr @{family.connected} accept" for family in FAMILIES.values()),
        f"goto {REFUSED}",
    ),
    LISTED: (
        *(f"{f.header} {_PORT} . {f.header} saddr @{f.listed} accept" for f in FAMILIES.values()),
        f"goto {REFUSED}",
    ),
    REFUSED: ('counter drop comment "weft: published, but not to this source (weft.publish)"',),
}


def chains(accepted_mark: Mark | None = None) -> dict[str, tuple[str, ...]]:
    """Return all chains; packets with `accepted_mark` enter every network that is not internal."""
    if accepted_mark is None:
        return CHAINS
    masked = f"meta mark & {accepted_mark.mask:#x} == {accepted_mark.value:#x} accept"
    return CHAINS | {PUBLISHED_ONLY: (CHAINS[PUBLISHED_ONLY][0], masked, *CHAINS[PUBLISHED_ONLY][1:])}
