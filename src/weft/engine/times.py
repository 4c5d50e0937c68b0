"""Points in time as the Engine API writes them."""

import re
from datetime import UTC, datetime

from weft.model.errors import InvalidParameter

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
_TIMESTAMP = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?")


def moment(text: str, now: int) -> int:
    """Return nanoseconds since the epoch for a Unix timestamp, an RFC 3339 date or a Go duration before `now`."""
    stamp = _TIMESTAMP.fullmatch(text)
    if stamp:
        return int(stamp[1]) * 1_000_000_000 + int((stamp[2] or "0").ljust(9, "0"))
    if _DURATION.fullmatch(text):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        return now - int(seconds * 1e9)
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidParameter(f'invalid timestamp "{text}": give seconds, a date or a duration like 10m') from None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1e9)
