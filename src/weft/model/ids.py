"""Object ids and names: 64 lower-case hex digits, shown as their first 12."""

import re

SHORT_LENGTH = 12
_ID = re.compile(r"[0-9a-f]{64}")
_CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
CONTAINER_NAME_RULE = "[a-zA-Z0-9][a-zA-Z0-9_.-]"


def short_id(object_id: str) -> str:
    """Return the 12 digits that users see."""
    return object_id[:SHORT_LENGTH]


def is_full_id(text: str) -> bool:
    """Whether `text` is a whole id, not a name or a prefix."""
    return _ID.fullmatch(text) is not None


def is_container_name(text: str) -> bool:
    """Whether `text` may name a container or a volume (Engine API: at least two characters of CONTAINER_NAME_RULE)."""
    return _CONTAINER_NAME.fullmatch(text) is not None
