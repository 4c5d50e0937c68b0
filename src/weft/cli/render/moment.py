"""RFC 3339 text from the daemon, as Go prints a time."""

from __future__ import annotations


def go_time(text: str) -> str:
    """Return `2026-01-02T15:04:05.5Z` as `2026-01-02 15:04:05.5 +0000 UTC`; other text stays."""
    date, separator, rest = text.partition("T")
    if not separator or len(date) != 10:
        return text
    if rest.endswith("Z"):
        return f"{date} {rest[:-1]} +0000 UTC"
    clock, zone = rest[:-6], rest[-6:]
    if zone[:1] not in ("+", "-") or zone[3:4] != ":":
        return text
    offset = zone.replace(":", "")
    return f"{date} {clock} {offset} {offset}"


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts net2 before net10."""
    import re

    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]
