"""Other programs' tables: which of their chains and rules stop what Weft forwards, and what would allow it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from weft.firewall.iptables import LEGACY_TABLE
from weft.firewall.packet_match import Json, Packet, Sets, is_equal, matches, value_of
from weft.model.address import Address
from weft.model.segment import Segment

_FAMILIES = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
_OUTSIDE: dict[int, Address] = {4: IPv4Address("198.51.100.1"), 6: IPv6Address("2001:db8::1")}  # RFC 5737, RFC 3849
_HOST = IPv6Address("2001:db8::2")
_DEEPEST = 16  # jumps, as in the kernel (NFT_JUMP_STACK_SIZE)
_WEB = 443

ChainKey = tuple[str, str, str]  # family, table, chain


@dataclass(frozen=True, slots=True)
class Finding:
    """A chain that stops packets through `bridge`, "" for those to weft-relay. `rule` is "" for the chain's policy."""

    family: str
    table: str
    chain: str
    rule: str
    bridge: str
    entering: bool  # to containers, else from them
    manager: str = ""  # the program that made the table, as far as it shows: ufw, firewalld, iptables

    @property
    def what(self) -> str:
        """Return what stops which packets."""
        place = f"chain {self.chain} of table {self.family} {self.table}"
        cause = f"rule {self.rule} in {place}" if self.rule else f"the policy drop of {place}"
        return f"{cause} stops {self._way}"

    @property
    def _way(self) -> str:
        if not self.bridge:
            return "connections over IPv6 to published ports of containers that have only IPv4"
        return (
            f"connections to published ports behind {self.bridge}" if self.entering else f"what {self.bridge} sends out"
        )

    @property
    def remedy(self) -> str:
        """Return a command line that would allow it."""
        if not self.bridge:
            return self._remedy_of_relay
        side = "oifname" if self.entering else "iifname"
        if self.manager == "firewalld":
            return f"firewall-cmd --permanent --zone=trusted --add-interface={self.bridge} && firewall-cmd --reload"
        if self.manager == "ufw":
            return f"ufw route allow {'out' if self.entering else 'in'} on {self.bridge}"
        if self.manager:
            program = self.manager if self.family == "ip" else self.manager.replace("ip", "ip6", 1)
            return f"{program} -I FORWARD {'-o' if self.entering else '-i'} {self.bridge} -j ACCEPT"
        return f'nft insert rule {self.family} {self.table} {self.chain} {side} "{self.bridge}" accept'

    @property
    def _remedy_of_relay(self) -> str:
        translated = "-m conntrack --ctstate DNAT -j ACCEPT"
        if self.manager == "ufw":
            return f"write -A ufw6-before-input {translated} into /etc/ufw/before6.rules, then ufw reload"
        if self.manager.startswith("iptables"):
            return f"{self.manager.replace('ip', 'ip6', 1)} -I INPUT {translated}"
        return f"nft insert rule {self.family} {self.table} {self.chain} ct status dnat accept"

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}"


@dataclass(frozen=True, slots=True)
class _Verdict:
    accepts: bool
    place: ChainKey
    rule: str = ""


def summary(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return a line for each chain and direction, which names the bridges concerned, and the remedy for the first."""
    groups: dict[tuple[str, str, str, str, bool], list[Finding]] = defaultdict(list)
    for each in findings:
        groups[each.family, each.table, each.chain, each.rule, each.entering].append(each)
    return tuple(_line(group) for group in groups.values())


def _line(group: Sequence[Finding]) -> str:
    bridges = sorted({each.bridge for each in group})
    others = f" (and {len(bridges) - 1} more bridges: {', '.join(bridges[1:4])}{' …' if bridges[4:] else ''})"
    first = next(each for each in group if each.bridge == bridges[0])
    return f"{first.what}{others if bridges[1:] else ''}; to allow it: {first.remedy}"


class ForeignRules:
    """Tables as libnftables lists them, objects of "nftables" in one list. What cannot be read is passed over."""

    def __init__(self, listing: Iterable[Json]) -> None:
        self._hooks: dict[str, list[tuple[ChainKey, bool]]] = {"forward": [], "input": []}  # whether policy drop
        self._rules: dict[ChainKey, list[tuple[int, Sequence[Json]]]] = defaultdict(list)
        self._sets: dict[tuple[str, str], dict[str, Sequence[Any]]] = defaultdict(dict)
        self._chains: set[ChainKey] = set()
        for entry in listing:
            for kind, fields in entry.items():
                self._take(kind, fields)

    def _take(self, kind: str, fields: Any) -> None:
        if not isinstance(fields, Mapping) or fields.get("family") not in _FAMILIES:
            return
        family, table = str(fields["family"]), str(fields.get("table", ""))
        if kind == "chain":
            key = (family, table, str(fields.get("name", "")))
            self._chains.add(key)
            hooked = self._hooks.get(str(fields.get("hook")))
            if hooked is not None and fields.get("type") == "filter":
                hooked.append((key, fields.get("policy") == "drop"))
        elif kind == "rule":
            key = (family, table, str(fields.get("chain", "")))
            self._rules[key].append((int(fields.get("handle", 0)), fields.get("expr") or ()))
        elif kind in ("set", "map"):
            self._sets[family, table][str(fields.get("name", ""))] = fields.get("elem") or ()

    def obstacles(self, segment: Segment, uplink: str) -> tuple[Finding, ...]:
        """Return what stops a network's traffic that leaves and enters by the interface `uplink`."""
        if segment.internal:
            return ()
        found = [
            finding
            for packet, entering in _probes(segment, uplink)
            for finding in self._stopped("forward", packet, segment.bridge, entering=entering)
        ]
        return tuple(dict.fromkeys(found))

    def relay_obstacles(self, port: int, uplink: str) -> tuple[Finding, ...]:
        """Return what stops connections that come in by `uplink` and are redirected to weft-relay at `port`."""
        packet = Packet(uplink, "", _OUTSIDE[6], _HOST, port, translated=True)
        return tuple(self._stopped("input", packet, "", entering=True))

    def _stopped(self, hook: str, packet: Packet, bridge: str, *, entering: bool) -> Iterable[Finding]:
        for base, drops in self._hooks[hook]:
            if packet.version not in _FAMILIES[base[0]]:
                continue
            verdict = self._walk(base, packet, 0) or _Verdict(accepts=not drops, place=base)
            if not verdict.accepts:
                family, table, chain = verdict.place
                yield Finding(family, table, chain, verdict.rule, bridge, entering, self._manager(family, table))

    def _manager(self, family: str, table: str) -> str:
        if table == "firewalld":
            return "firewalld"
        if table == LEGACY_TABLE:
            return "iptables-legacy"
        names = {chain for its_family, its_table, chain in self._chains if (its_family, its_table) == (family, table)}
        if table != "filter" or "FORWARD" not in names or family == "inet":
            return ""
        return "ufw" if any(name.startswith("ufw") for name in names) else "iptables"

    def _walk(self, chain: ChainKey, packet: Packet, depth: int) -> _Verdict | None:
        """Return the verdict that a chain comes to, None where it comes to its end."""
        if depth > _DEEPEST:
            return None
        sets: Sets = self._sets.get(chain[:2], {})
        for handle, expressions in self._rules.get(chain, ()):
            outcome = self._apply(chain, handle, expressions, packet, depth, sets)
            if outcome is _RETURNED:
                return None
            if isinstance(outcome, _Verdict):
                return outcome
        return None

    def _apply(
        self, chain: ChainKey, handle: int, expressions: Sequence[Json], packet: Packet, depth: int, sets: Sets
    ) -> "_Verdict | object | None":
        for expression in expressions:
            verdict: Json | None = expression
            if "vmap" in expression:
                verdict = _looked_up(expression["vmap"], packet, sets)
                if verdict is None:
                    return None
            elif matches(expression, packet, sets) is not True:
                return None  # does not match, or nobody can tell: then it is left out
            outcome = self._verdict(chain, handle, verdict or {}, packet, depth)
            if outcome is not None:
                return outcome
        return None

    def _verdict(
        self, chain: ChainKey, handle: int, verdict: Json, packet: Packet, depth: int
    ) -> "_Verdict | object | None":
        if "accept" in verdict:
            return _Verdict(True, chain)
        target = verdict.get("xt") or {}
        rejects = isinstance(target, Mapping) and target.get("type") == "target" and target.get("name") == "REJECT"
        if "drop" in verdict or "reject" in verdict or rejects:
            return _Verdict(False, chain, f"{handle} ({'drop' if 'drop' in verdict else 'reject'})")
        if "return" in verdict:
            return _RETURNED
        for way in ("jump", "goto"):
            if way in verdict:
                there = (chain[0], chain[1], str(verdict[way].get("target")))
                found = self._walk(there, packet, depth + 1)
                return found or (_RETURNED if way == "goto" else None)
        return None


_RETURNED = object()


def _looked_up(vmap: Json, packet: Packet, sets: Sets) -> Json | None:
    values = value_of(vmap.get("key"), packet)
    data = vmap.get("data")
    pairs: Any = data.get("set") if isinstance(data, Mapping) else sets.get(str(data).removeprefix("@"))
    for pair in pairs or ():
        if isinstance(pair, list) and len(pair) == 2 and any(is_equal(value, pair[0]) for value in values or ()):
            found: Json | None = pair[1] if isinstance(pair[1], Mapping) else None
            return found
    return None


def _probes(segment: Segment, uplink: str) -> Iterable[tuple[Packet, bool]]:
    """Yield packets as containers send and get them, and whether they enter."""
    for subnet in segment.subnets:
        container, outside = subnet[min(2, subnet.num_addresses - 1)], _OUTSIDE[subnet.version]
        yield Packet(segment.bridge, uplink, container, outside, _WEB, translated=False), False
        yield Packet(uplink, segment.bridge, outside, container, _WEB, translated=True), True
