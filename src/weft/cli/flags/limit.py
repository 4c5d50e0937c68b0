"""--ulimit name=soft[:hard] and --restart policy[:count]."""

ULIMITS = (
    *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc"),
    *("rss", "rtprio", "rttime", "sigpending", "stack"),
)


def parse_ulimit(value: str) -> dict[str, object]:
    """Return the API's Ulimit; raises ValueError."""
    name, equals, limits = value.partition("=")
    if not equals:
        raise ValueError(f"invalid ulimit argument: {value}")
    if name not in ULIMITS:
        raise ValueError(f"invalid ulimit type: {name}")
    soft_text, colon, hard_text = limits.partition(":")
    try:
        soft = int(soft_text)
        hard = int(hard_text) if colon else soft
    except ValueError:
        wrong = soft_text if not soft_text.removeprefix("-").isdecimal() else hard_text
        raise ValueError(f'strconv.ParseInt: parsing "{wrong}": invalid syntax') from None
    if hard != -1 and (soft > hard or soft == -1):
        raise ValueError(f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")
    return {"Name": name, "Soft": soft, "Hard": hard}


def parse_restart(value: str) -> dict[str, object]:
    """Return the API's RestartPolicy; raises ValueError with docker's texts."""
    name, colon, count = value.partition(":")
    if colon and not name:
        raise ValueError("invalid restart policy format: no policy provided before colon")
    try:
        retries = int(count) if count else 0
    except ValueError:
        raise ValueError("invalid restart policy format: maximum retry count must be an integer") from None
    return {"Name": name, "MaximumRetryCount": retries}
