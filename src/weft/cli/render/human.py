"""Sizes and times as people read them, in docker's words."""

from __future__ import annotations

import time

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
HOUR = 3600


def size(count: float, digits: int = 4) -> str:
    """Return bytes in units of 1000 with `digits` significant digits: 1.235MB."""
    return _scaled(count, 1000, _DECIMAL, digits)


def binary_size(count: float) -> str:
    """Return bytes in units of 1024: 1.944GiB."""
    return _scaled(count, 1024, _BINARY, 4)


def _scaled(count: float, base: int, units: tuple[str, ...], digits: int) -> str:
    unit = 0
    while count >= base and unit < len(units) - 1:
        count /= base
        unit += 1
    return f"{count:.{digits}g}{units[unit]}"


def duration(seconds: float) -> str:
    """Return a span of time in one unit: About a minute, 3 days."""
    whole = int(seconds)
    minutes = whole // 60
    hours = int(seconds / HOUR + 0.5)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    if hours == 1:
        return "About an hour"
    return _long_duration(hours, whole // HOUR)


def _long_duration(hours: int, full_hours: int) -> str:
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{full_hours // 24 // 365} years"


def ago(created: float, now: float | None = None) -> str:
    """Return how long ago `created` (seconds since the epoch) was: 2 minutes ago."""
    return duration((time.time() if now is None else now) - created) + " ago"


def local_time(seconds: int) -> str:
    """Return a moment as Go prints a time: 2026-01-02 15:04:05 +0100 CET."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(seconds))


def rfc3339(seconds: int, nanoseconds: int | None = None) -> str:
    """Return a moment in local time as RFC 3339, with all nine digits where `nanoseconds` is given."""
    moment = time.localtime(seconds)
    zone = time.strftime("%z", moment)
    fraction = "" if nanoseconds is None else f".{nanoseconds:09}"
    shown_zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    return time.strftime("%Y-%m-%dT%H:%M:%S", moment) + fraction + shown_zone
