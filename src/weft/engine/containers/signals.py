"""Signals by name and number (signal(7))."""

import signal

from weft.model.errors import InvalidParameter

_RTMIN, _RTMAX = 34, 64


def signal_number(text: str) -> int:
    """Return the number of a signal written `SIGTERM`, `term` or `15`; InvalidParameter `Invalid signal: X`."""
    if text.isdigit():
        number = int(text)
        if 0 < number <= _RTMAX:
            return number
        raise InvalidParameter(f"Invalid signal: {text}")
    name = text.upper().removeprefix("SIG")
    if name.startswith(("RTMIN", "RTMAX")):
        return _real_time(text, name)
    try:
        return int(signal.Signals[f"SIG{name}"])
    except KeyError:
        raise InvalidParameter(f"Invalid signal: {text}") from None


def _real_time(text: str, name: str) -> int:
    base = _RTMIN if name.startswith("RTMIN") else _RTMAX
    offset = name[5:]
    try:
        number = base + (int(offset) if offset else 0)
    except ValueError:
        raise InvalidParameter(f"Invalid signal: {text}") from None
    if not _RTMIN <= number <= _RTMAX:
        raise InvalidParameter(f"Invalid signal: {text}")
    return number
