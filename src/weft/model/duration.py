"""Durations as Go writes them: 42m, 1h30m, 1.5s."""

import re

NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def parse_duration(text: str) -> int:
    """Return nanoseconds; raises ValueError in Go's words."""
    unsigned = text.removeprefix("-")
    if unsigned == "0":
        return 0
    position = 0
    total = 0.0
    while part := _PART.match(unsigned, position):
        total += float(part[1]) * NANOSECONDS[part[2]]
        position = part.end()
    if not unsigned or position != len(unsigned):
        raise ValueError(f'time: invalid duration "{text}"')
    return -int(total) if unsigned != text else int(total)
