"""URL paths and queries (RFC 3986), by hand: urllib.parse is slow to load."""

import json
from collections.abc import Iterable, Mapping

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

Parameters = Mapping[str, "str | int | bool | Iterable[str] | None"]


def quote(text: str, safe: str = "") -> str:
    """Return `text` percent-encoded; characters in `safe` stay."""
    kept = _UNRESERVED | set(safe.encode())
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode())


def encode(parameters: Parameters) -> str:
    """Return `?a=b&…`; None, False and "" are left out, True is 1, a list repeats its key."""
    pairs: list[tuple[str, str]] = []
    for key, value in parameters.items():
        if value is None or value is False or value == "":
            continue
        if value is True:
            pairs.append((key, "1"))
        elif isinstance(value, str | int):
            pairs.append((key, str(value)))
        else:
            pairs.extend((key, item) for item in value)
    return "?" + "&".join(f"{key}={quote(value)}" for key, value in pairs) if pairs else ""


def filters(values: Mapping[str, Iterable[str]]) -> str:
    """Return the `filters` parameter (Engine API: {"key": {"value": true}}), "" without any."""
    document = {key: dict.fromkeys(items, True) for key, items in values.items()}
    return json.dumps(document, separators=(",", ":")) if document else ""
