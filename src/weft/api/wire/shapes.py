"""What all request shapes share: Go's habits with JSON."""

from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar

import msgspec

_K = TypeVar("_K")
_V = TypeVar("_V")

Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None
Text = str | None  # null leaves a field at its zero value, in every place
Texts = list[str] | None
TextMap = dict[str, str | None] | None
Keys = dict[str, dict[str, msgspec.Raw] | None] | None  # a set, written {"80/tcp": {}}
Words = str | list[str] | None  # a command: one word may stand without its list


class Request(msgspec.Struct, rename="pascal", kw_only=True, frozen=True):
    """A request body: unknown keys are ignored, null is as good as nothing."""


class Answer(msgspec.Struct, rename="pascal", kw_only=True, frozen=True):
    """A response body: an UNSET field is left out."""


def text_map(value: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return a map of texts, null as the empty text."""
    return {key: text or "" for key, text in (value or {}).items()}


def texts(value: Iterable[str] | None) -> tuple[str, ...]:
    """Return a tuple, null as the empty one."""
    return tuple(value or ())


def words(value: str | list[str] | None) -> tuple[str, ...] | None:
    """Return a command's words, None where none were given."""
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)
