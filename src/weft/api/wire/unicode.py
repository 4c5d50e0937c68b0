"""Names of files as JSON: it has no place for bytes that are no UTF-8."""


def printable(name: str) -> str:
    """Return a name with U+FFFD for each such byte, as Go's encoder writes it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
