"""Rules of iptables: from what iptables-save prints to the shape in which libnftables lists rules. Pure.

Those of iptables-legacy nft does not list at all; of those of iptables-nft it leaves out what extensions ask.
"""

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]
Match = Mapping[str, Any]

LEGACY_TABLE = "filter (iptables-legacy)"
_HOOKS = {"FORWARD": "forward", "INPUT": "input"}
_VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}
_JUMPS = {"-j": "jump", "-g": "goto"}
# Extensions that ask nothing themselves: what they ask are options that we read, or refuse to.
_CARRIERS = frozenset({"addrtype", "comment", "conntrack", "mark", "multiport", "sctp", "state", "tcp", "udp"})
_UNKNOWN: Match = {"xt": {"type": "match", "name": "unknown"}}


def legacy_listing(text: str, family: str) -> list[Entry]:
    """Return the filter table of `iptables-legacy-save -t filter` as libnftables would list it; `family` ip or ip6."""
    found: list[Entry] = []
    place = {"family": family, "table": LEGACY_TABLE}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(":"):
            name, policy, *_ = [*line[1:].split(), "-"]
            base = {"type": "filter", "hook": _HOOKS[name], "policy": policy.lower()} if name in _HOOKS else {}
            found.append({"chain": {**place, "name": name, **base}})
        elif line.startswith("-A "):
            words = shlex.split(line)
            expressions = _expressions(words[2:], family)
            found.append({"rule": {**place, "chain": words[1], "handle": number, "expr": expressions}})
    return found


def has_extensions(entries: Iterable[Entry], family: str) -> bool:
    """Whether rules of iptables-nft's filter table ask what nft does not show."""
    return any(
        (expression.get("xt") or {}).get("type") == "match"
        for rule in _filter_rules(entries, family)
        for expression in rule.get("expr") or ()
        if isinstance(expression, Mapping)
    )


def completed(entries: Iterable[Entry], text: str, family: str) -> list[Entry]:
    """Return the entries with the filter table's rules as `iptables-nft-save -t filter` prints them.

    Both list a chain's rules in order; a chain of which they do not list as many was changed meanwhile, and stays.
    """
    listed = list(entries)
    saved: dict[str, list[Sequence[Match]]] = defaultdict(list)
    for line in text.splitlines():
        if line.startswith("-A "):
            words = shlex.split(line)
            saved[words[1]].append(_expressions(words[2:], family))
    counts: dict[str, int] = defaultdict(int)
    for rule in _filter_rules(listed, family):
        counts[str(rule.get("chain"))] += 1
    fresh = {chain: iter(rules) for chain, rules in saved.items() if len(rules) == counts[chain]}
    return [_renewed(entry, fresh, family) for entry in listed]


def _renewed(entry: Entry, fresh: Mapping[str, Iterator[Sequence[Match]]], family: str) -> Entry:
    for rule in _filter_rules([entry], family):
        rules = fresh.get(str(rule.get("chain")))
        if rules is not None:
            return {"rule": {**rule, "expr": next(rules)}}
    return entry


def _filter_rules(entries: Iterable[Entry], family: str) -> Iterator[Mapping[str, Any]]:
    for entry in entries:
        rule = entry.get("rule")
        if isinstance(rule, Mapping) and (rule.get("family"), rule.get("table")) == (family, "filter"):
            yield rule


def _expressions(words: Sequence[str], family: str) -> list[Match]:
    """Return a rule's matches, an unknown one for what cannot be read, and its verdict."""
    found: list[Match] = []
    negated, position = False, 0
    while position < len(words):
        word, value = words[position], words[position + 1] if position + 1 < len(words) else ""
        position += 2
        if word == "!":
            negated, position = True, position - 1
            continue
        if word in _JUMPS:
            verdict = _VERDICTS.get(value)
            found.append({verdict: None} if verdict else {_JUMPS[word]: {"target": value}})
            break  # what follows are options of the target
        if word in _OPTIONS:
            left, right = _OPTIONS[word](value, family)
            found.append({"match": {"op": "!=" if negated else "==", "left": left, "right": right}})
        elif not (word == "--comment" or (word == "-m" and value in _CARRIERS)):
            found.append(_UNKNOWN)
            position -= 0 if value[:1] not in ("-", "!") else 1
        negated = False
    return found


Side = tuple[Mapping[str, Any], Any]


def _interface(key: str) -> Callable[[str, str], Side]:
    def read(value: str, _: str) -> Side:
        return {"meta": {"key": key}}, value.removesuffix("+") + "*" if value.endswith("+") else value

    return read


def _address(field: str) -> Callable[[str, str], Side]:
    def read(value: str, family: str) -> Side:
        address, _, length = value.partition("/")
        prefix = {"prefix": {"addr": address, "len": length or (32 if family == "ip" else 128)}}
        return {"payload": {"protocol": family, "field": field}}, prefix

    return read


def _ports(field: str) -> Callable[[str, str], Side]:
    def read(value: str, _: str) -> Side:
        spans = [_span(*part.split(":")) if ":" in part else part for part in value.split(",")]
        return {"payload": {"protocol": "th", "field": field}}, {"set": spans}

    return read


def _span(low: str, high: str) -> Mapping[str, Any]:
    return {"range": [int(low or 0), int(high or 65535)]}


def _words(kind: str, key: str) -> Callable[[str, str], Side]:
    def read(value: str, _: str) -> Side:
        return {kind: {"key": key}}, {"set": value.lower().split(",")}

    return read


def _protocol(value: str, _: str) -> Side:
    return {"meta": {"key": "l4proto"}}, value.lower()


def _mark(value: str, _: str) -> Side:
    wanted, _, mask = value.partition("/")
    left = {"meta": {"key": "mark"}}
    return {"&": [left, int(mask, 0)]} if mask else left, int(wanted, 0)


def _kind(field: str) -> Callable[[str, str], Side]:
    def read(value: str, _: str) -> Side:
        return {"fib": {"result": "type", "flags": [field]}}, {"set": value.lower().split(",")}

    return read


_OPTIONS: Mapping[str, Callable[[str, str], Side]] = {
    "-i": _interface("iifname"),
    "-o": _interface("oifname"),
    "-s": _address("saddr"),
    "-d": _address("daddr"),
    "-p": _protocol,
    "--dport": _ports("dport"),
    "--dports": _ports("dport"),
    "--sport": _ports("sport"),
    "--sports": _ports("sport"),
    "--ctstate": _words("ct", "state"),
    "--state": _words("ct", "state"),
    "--ctstatus": _words("ct", "status"),
    "--mark": _mark,
    "--src-type": _kind("saddr"),
    "--dst-type": _kind("daddr"),
}
