"""Reading the daemon's JSON defensively: what is missing or of another type counts as empty."""

from __future__ import annotations

from collections.abc import Mapping

Json = Mapping[str, object]


def text(document: Json, key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def number(document: Json, key: str, default: int = 0) -> int:
    value = document.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def flag(document: Json, key: str) -> bool:
    return document.get(key) is True


def inner(document: Json, key: str) -> dict[str, object]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def items(document: Json, key: str) -> list[dict[str, object]]:
    value = document.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(document: Json, key: str) -> list[str]:
    value = document.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def labels(document: Json, key: str = "Labels") -> dict[str, str]:
    return {name: value for name, value in inner(document, key).items() if isinstance(value, str)}
