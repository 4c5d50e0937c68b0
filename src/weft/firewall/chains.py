"""The chains: a fixed number of rules, whatever the number of networks and ports; only lookups refer to either."""

from weft.firewall.sets import BRIDGES, ENTERING, FAMILIES, INTERNAL, IPV4, IPV6, WITHIN, Family

PUBLISHED_ONLY = "published_only"
CLOSED = "closed"
_ISLAND = "weft: internal network"


def _prerouting_raw() -> tuple[str, ...]:
    return (
        "type filter hook prerouting priority raw; policy accept;",
        # Bridges route 127.0.0.0/8, for published ports on it: nobody but the host itself may use that.
        'iifname != "lo" ip daddr 127.0.0.0/8 counter drop comment "weft: loopback from outside"',
        f'iifname @{BRIDGES} ip saddr 127.0.0.0/8 counter drop comment "weft: forged loopback source"',
    )


def _nat_hook(hook: str, priority: str) -> tuple[str, ...]:
    return (
        f"type nat hook {hook} priority {priority}; policy accept;",
        "meta l4proto { tcp, udp, sctp } fib daddr type local goto publish",
    )


def _publish(family: Family) -> tuple[str, ...]:
    dnat, header = f"dnat {family.header} to", family.header
    return (
        f"{dnat} {header} daddr . meta l4proto . th dport map @{family.bound_ports}",
        f"{dnat} {header} daddr . meta l4proto . th dport map @{family.bound_runs}",
        f"{dnat} meta l4proto . th dport map @{family.ports}",
        f"{dnat} meta l4proto . th dport map @{family.runs}",
    )


def _postrouting() -> tuple[str, ...]:
    rules = ["type nat hook postrouting priority srcnat; policy accept;"]
    families = FAMILIES.values()
    # An endpoint that reaches a neighbour, or itself, through a published port must get its answers through the host.
    rules += [f"ct status dnat {f.header} saddr . oifname @{f.home} masquerade" for f in families]
    rules += [f"oifname @{BRIDGES} ip saddr 127.0.0.0/8 masquerade"]
    rules += [f"{f.header} saddr . oifname @{f.home} return" for f in families]
    rules += [f"snat {f.header} to {f.header} saddr map @{f.source}" for f in families]
    rules += [f"{f.header} saddr @{f.masquerade} masquerade" for f in families]
    return tuple(rules)


def _forward() -> tuple[str, ...]:
    return (
        "type filter hook forward priority filter; policy accept;",
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
    # No address but the host's own can answer for ::1, and link-local ones cannot be forwarded (RFC 4291, 2.5).
    "publish6": ("ip6 daddr { ::1, fe80::/10 } return", *_publish(IPV6)),
    "nat_postrouting": _postrouting(),
    "forward": _forward(),
    PUBLISHED_ONLY: ("ct status dnat accept", 'counter drop comment "weft: port not published"'),
    CLOSED: (f'counter drop comment "{_ISLAND}"',),
}
