"""Whether a packet that we imagine matches an expression of somebody else's rule (libnftables-json(5)).

The answer is True, False, or None where it cannot be told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any

from weft.model.address import Address

Json = Mapping[str, Any]
Sets = Mapping[str, Sequence[Any]]  # elements by name
_ALWAYS = ("comment",)  # extensions of iptables that match whatever comes


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection that the host forwards; `port` is where it goes."""

    incoming: str  # interfaces
    outgoing: str
    source: Address
    destination: Address
    port: int
    translated: bool  # by a DNAT rule, as those to published ports are
    protocol: str = "tcp"

    @property
    def arrives(self) -> bool:
        """Whether it is for the host itself."""
        return not self.outgoing

    @property
    def version(self) -> int:
        """The IP version."""
        return self.destination.version


def matches(expression: Json, packet: Packet, sets: Sets) -> bool | None:
    """Return whether one statement of a rule lets the packet pass on to the next."""
    if "match" in expression:
        return _match(expression["match"], packet, sets)
    if "xt" in expression:
        extension = expression["xt"] or {}
        if extension.get("type") == "match":
            return True if extension.get("name") in _ALWAYS else None
        return True
    return None if "limit" in expression or "quota" in expression else True


def _match(match: Json, packet: Packet, sets: Sets) -> bool | None:
    values = value_of(match.get("left"), packet)
    if values is None:
        return None
    found = _is_one_of(values, match.get("right"), sets)
    if found is None:
        return None
    return not found if match.get("op") == "!=" else found


def value_of(left: Any, packet: Packet) -> tuple[str, ...] | None:
    """Return what a packet has there: any of several words for the same, or None where it cannot be told."""
    if not isinstance(left, Mapping):
        return None
    if "concat" in left:
        parts = [value_of(part, packet) for part in left["concat"]]
        return None if None in parts else tuple(" . ".join(part[0] for part in parts if part) for _ in (0,))
    for kind, table in (("meta", _META), ("ct", _CT)):
        if kind in left:
            read = table.get(left[kind].get("key"))
            return read(packet) if read is not None else None
    if "payload" in left:
        return _payload(left["payload"], packet)
    if "fib" in left:
        return _fib(left["fib"], packet)
    if "&" in left:  # of nothing but zero it can be told what a mask leaves
        return values if (values := value_of(left["&"][0], packet)) == ("0",) else None
    return None


def _fib(fib: Json, packet: Packet) -> tuple[str, ...] | None:
    """What kind of address it is: routed to others, or the host's own (libnftables-json(5), FIB)."""
    if fib.get("result") != "type":
        return None
    return ("local",) if packet.arrives and "daddr" in (fib.get("flags") or ()) else ("unicast",)


def _family(packet: Packet) -> tuple[str, ...]:
    return ("ipv4", "ip", "2") if packet.version == 4 else ("ipv6", "ip6", "10")


_META: Mapping[str, Callable[[Packet], tuple[str, ...]]] = {
    "iifname": lambda packet: (packet.incoming,),
    "oifname": lambda packet: (packet.outgoing,),
    "iif": lambda packet: (packet.incoming,),
    "oif": lambda packet: (packet.outgoing,),
    "nfproto": _family,
    "protocol": _family,
    "l4proto": lambda packet: (packet.protocol, "6"),
    "mark": lambda packet: ("0",),
}
_CT: Mapping[str, Callable[[Packet], tuple[str, ...]]] = {
    "state": lambda packet: ("new", "dnat") if packet.translated else ("new",),  # iptables counts DNAT as a state
    "status": lambda packet: ("dnat",) if packet.translated else ("",),
    "mark": lambda packet: ("0",),
    "direction": lambda packet: ("original",),
}


def _payload(payload: Json, packet: Packet) -> tuple[str, ...] | None:
    protocol, field = payload.get("protocol"), payload.get("field")
    if protocol in ("ip", "ip6"):
        if (protocol == "ip") != (packet.version == 4):
            return ("",)
        if field in ("protocol", "nexthdr"):
            return (packet.protocol, "6")
        return {"saddr": (str(packet.source),), "daddr": (str(packet.destination),)}.get(str(field))
    if protocol in ("tcp", "th"):
        return (str(packet.port),) if field == "dport" else None
    return ("",) if protocol in ("udp", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah", "udplite") else None


def _is_one_of(values: tuple[str, ...], right: Any, sets: Sets) -> bool | None:
    candidates = _candidates(right, sets)
    if candidates is None:
        return None
    answers = [is_equal(value, candidate) for value in values for candidate in candidates]
    if True in answers:
        return True
    return None if None in answers else False


def _candidates(right: Any, sets: Sets) -> Sequence[Any] | None:
    if isinstance(right, str) and right.startswith("@"):
        return sets.get(right[1:])
    if isinstance(right, Mapping) and "set" in right:
        found: Sequence[Any] = right["set"] if isinstance(right["set"], list) else [right["set"]]
        return found
    return right if isinstance(right, list) else [right]


def is_equal(value: str, candidate: Any) -> bool | None:
    """Whether a value is what an element of a set, or a rule, says."""
    if isinstance(candidate, Mapping):
        if "elem" in candidate:
            return is_equal(value, candidate["elem"].get("val"))
        if "concat" in candidate:
            parts = value.split(" . ")
            answers = [is_equal(part, word) for part, word in zip(parts, candidate["concat"], strict=False)]
            return None if None in answers and False not in answers else False not in answers
        if "prefix" in candidate:
            return _is_within(value, candidate["prefix"])
        if "range" in candidate:
            return _is_between(value, *candidate["range"])
        return None
    text = str(candidate)
    return fnmatchcase(value, text.replace("[", "[[]")) if text.endswith("*") else value == text


def _is_within(value: str, prefix: Json) -> bool | None:
    try:
        return ip_address(value) in ip_network(f"{prefix['addr']}/{prefix['len']}", strict=False)
    except (KeyError, TypeError, ValueError):
        return None if value else False


def _is_between(value: str, low: Any, high: Any) -> bool | None:
    try:
        if isinstance(low, int) and isinstance(high, int):
            return low <= int(value) <= high
        first, this, last = (ip_address(each) for each in (str(low), value, str(high)))
        return this.version == first.version and int(first) <= int(this) <= int(last)
    except ValueError:
        return None if value else False
