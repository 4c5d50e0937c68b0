"""Times and durations as Docker writes them. Points in time are nanoseconds since the epoch, 0 for never."""

import time

_NEVER = "0001-01-01T00:00:00Z"
_SECOND = 1_000_000_000


def rfc3339(moment: int) -> str:
    """Return RFC 3339 text in UTC with as many digits of the fraction as are needed."""
    if not moment:
        return _NEVER
    seconds, fraction = divmod(moment, _SECOND)
    digits = f".{fraction:09}".rstrip("0") if fraction else ""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + digits + "Z"


def rfc3339_fixed(moment: int) -> str:
    """Return RFC 3339 text in UTC with all nine digits, as log lines carry it."""
    seconds, fraction = divmod(moment, _SECOND)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:09}Z"


def rfc3339_seconds(moment: int) -> str:
    """Return RFC 3339 text in UTC to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment // _SECOND)) if moment else _NEVER


def human_duration(nanoseconds: int) -> str:
    """Return a duration in words: `3 seconds`, `About a minute`, `2 weeks`."""
    seconds = nanoseconds // _SECOND
    if seconds < 1:
        return "Less than a second"
    if seconds == 1:
        return "1 second"
    if seconds < 60:
        return f"{seconds} seconds"
    minutes = seconds // 60
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = int(nanoseconds / _SECOND / 3600 + 0.5)
    return "About an hour" if hours == 1 else _long_duration(hours)


def _long_duration(hours: int) -> str:
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{hours // 24 // 365} years"
