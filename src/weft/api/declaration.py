"""What a route declares of itself: what it takes and what it gives.

/openapi.json is made of it, and a call is held to it: what is not declared cannot be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

import msgspec

from weft.model.errors import WeftError


class Kind(Enum):
    """How a parameter is read; all but HEADER stand in the query."""

    TEXT = "text"
    TEXTS = "texts"
    FLAG = "flag"
    NUMBER = "number"
    TIME = "time"
    FILTERS = "filters"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a request; `values` are all that there are, where they are few."""

    name: str
    kind: Kind
    required: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """A body that is not JSON, or several pieces of it; `item` is the shape of each piece, where they are JSON.

    `others` are the content types that older versions, or other circumstances, make of it.
    """

    content_type: str
    item: Any = None
    others: tuple[str, ...] = ()


Shape = Any  # a type that msgspec encodes (JSON), a Media, or None: no body
Body = msgspec.json.Decoder[Any] | Media | None


@dataclass(frozen=True, slots=True)
class Takes:
    """Parameters by name, and the body: a decoder, or what kind of bytes."""

    parameters: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))
    body: Body = None
    body_required: bool = False


@dataclass(frozen=True, slots=True)
class Gives:
    """Shapes of answers by status, and the kinds of errors besides those that every route has."""

    answers: Mapping[int, Shape]
    errors: tuple[type[WeftError], ...] = ()


NOTHING = Takes()


def takes(*parameters: Parameter, body: Body = None, body_required: bool = False) -> Takes:
    """Return what a route takes."""
    return Takes(MappingProxyType({each.name: each for each in parameters}), body, body_required)


def gives(shape: Shape, *errors: type[WeftError], status: int = 200, more: Mapping[int, Shape] | None = None) -> Gives:
    """Return what a route gives: `shape` with `status`, `more` by status, and errors of these kinds."""
    return Gives(MappingProxyType({status: shape, **(more or {})}), errors)


def empty(*errors: type[WeftError], status: int = 204) -> Gives:
    """Return what a route gives that answers with a status alone."""
    return gives(None, *errors, status=status)


def fails(*errors: type[WeftError]) -> Gives:
    """Return what a route gives that always refuses."""
    return Gives(MappingProxyType({}), errors)


def text(name: str, *, required: bool = False, values: tuple[str, ...] = ()) -> Parameter:
    """A text."""
    return Parameter(name, Kind.TEXT, required, values)


def texts(name: str, *, values: tuple[str, ...] = ()) -> Parameter:
    """A text that may be repeated."""
    return Parameter(name, Kind.TEXTS, values=values)


def flag(name: str) -> Parameter:
    """A boolean: everything but 0, no, false, none and nothing is true."""
    return Parameter(name, Kind.FLAG)


def number(name: str, *, required: bool = False) -> Parameter:
    """An integer."""
    return Parameter(name, Kind.NUMBER, required)


def moment(name: str) -> Parameter:
    """A Unix timestamp, `seconds[.fraction]`."""
    return Parameter(name, Kind.TIME)


def filters() -> Parameter:
    """The filters: JSON, `{"key": ["value"]}` or `{"key": {"value": true}}`."""
    return Parameter("filters", Kind.FILTERS)


def header(name: str) -> Parameter:
    """A text in the request's head."""
    return Parameter(name, Kind.HEADER)
