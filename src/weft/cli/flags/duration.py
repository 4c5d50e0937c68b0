"""Moments and durations on the command line: 42m, 1h30m, 2013-01-02T13:23:37Z, 1367587417.5."""

import re

from weft.model.duration import parse_duration


def parse_moment(text: str, now: float) -> str:
    """Return seconds since the epoch as the API takes them, from a duration before `now`, RFC 3339 or the epoch.

    A moment without a zone is local time. Raises ValueError.
    """
    if not text:
        return ""
    try:
        return _fixed(int(now * 10**9) - parse_duration(text))
    except ValueError:
        pass
    if re.fullmatch(r"\d+(\.\d{1,9})?", text) and (len(text.split(".")[0]) > 4):
        return text
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(_completed(text))
    except ValueError:
        raise ValueError(f'failed to parse value as time or duration: "{text}"') from None
    seconds = int(moment.replace(microsecond=0).timestamp())
    return f"{seconds}.{_fraction(text) or '000000000'}"


def _fixed(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{seconds}.{rest:09}"


def _completed(text: str) -> str:
    """RFC 3339 may stop after the date, the hour or the minute, and carry more digits than datetime takes."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", text)
    return text + ":00" if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d", text) else text


def _fraction(text: str) -> str:
    found = re.search(r"\.(\d{1,9})", text)
    return found[1].ljust(9, "0") if found else ""
