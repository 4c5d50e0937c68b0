"""Rules of iptables-legacy, which nft does not list: from what iptables-save prints to the same shape. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

LEGACY_TABLE = "filter (iptables-legacy)"
_FIELDS = {"-i": "iifname", "-o": "oifname"}
_VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}


def legacy_listing(text: str, family: str) -> list[Mapping[str, Any]]:
    """Return the filter table of `iptables-legacy-save -t filter` as libnftables would list it; `family` ip or ip6."""
    found: list[Mapping[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        place = {"family": family, "table": LEGACY_TABLE}
        if line.startswith(":"):
            name, policy, *_ = [*line[1:].split(), "-"]
            base = {"type": "filter", "hook": "forward", "policy": policy.lower()} if name == "FORWARD" else {}
            found.append({"chain": {**place, "name": name, **base}})
        elif line.startswith("-A "):
            words = shlex.split(line)
            found.append({"rule": {**place, "chain": words[1], "handle": number, "expr": _expressions(words[2:])}})
    return found


def _expressions(words: Sequence[str]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    negated, position = False, 0
    while position < len(words):
        word, value = words[position], words[position + 1] if position + 1 < len(words) else ""
        position += 2
        if word == "!":
            negated, position = True, position - 1
        elif word in _FIELDS:
            name = value.removesuffix("+") + "*" if value.endswith("+") else value
            operator = "!=" if negated else "=="
            found.append({"match": {"op": operator, "left": {"meta": {"key": _FIELDS[word]}}, "right": name}})
            negated = False
        elif word in ("-j", "-g"):
            verdict = _VERDICTS.get(value)
            found.append({verdict: None} if verdict else {"jump" if word == "-j" else "goto": {"target": value}})
            break  # what follows are options of the target
        elif not (word == "-m" and value == "comment") and word != "--comment":
            found.append({"xt": {"type": "match", "name": word}})
            negated, position = False, position - (0 if value[:1] not in ("-", "!") else 1)
    return found
