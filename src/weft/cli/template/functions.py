"""The functions of a template: text/template's own and docker's. Each raises ValueError with Go's text."""

from __future__ import annotations

import json
from collections.abc import Callable

from weft.cli.template.formatting import sprintf
from weft.cli.template.values import FreeMap, Record, shown

FunctionTable = dict[str, Callable[..., object]]
Number = int | float


def to_json(value: object) -> str:
    """Return compact JSON; a listing's record has its keys sorted and <, >, & escaped, as docker prints it."""
    if isinstance(value, Record):
        text = json.dumps(dict(value.columns()), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
        return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_encodable)


def _encodable(value: object) -> object:
    if isinstance(value, Record):
        return dict(value.columns())
    raise ValueError(f"json: unsupported value {value!r}")


def length(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, list | tuple | dict):
        return len(value)
    raise ValueError(f"len of type {type_name(value)}")


def index(value: object, *keys: object) -> object:
    """Return value[key][key]…"""
    for key in keys:
        value = _index_one(value, key)
    return value


def _index_one(value: object, key: object) -> object:
    if value is None:
        raise ValueError("index of untyped nil")
    if isinstance(value, dict):
        if not isinstance(key, str):
            raise ValueError(f"value has type {type_name(key)}; should be string")
        if key in value:
            return value[key]
        return value.zero if isinstance(value, FreeMap) else None
    if isinstance(value, list | tuple | str):
        if not isinstance(key, int) or isinstance(key, bool):
            raise ValueError(f"cannot index slice/array with type {type_name(key)}")
        if not 0 <= key < len(value):
            raise ValueError(f"index out of range: {key}")
        return value[key]
    raise ValueError(f"can't index item of type {type_name(value)}")


def part(value: object, *bounds: object) -> object:
    """Return value[a:b] (`slice`)."""
    if not isinstance(value, str | list | tuple):
        raise ValueError(f"can't slice item of type {type_name(value)}")
    numbers = [bound for bound in bounds if isinstance(bound, int)]
    if len(numbers) != len(bounds) or len(numbers) > 2 or any(not 0 <= bound <= len(value) for bound in numbers):
        raise ValueError(f"index out of range: {shown(list(bounds))}")
    return value[(numbers or [0])[0] : numbers[1] if len(numbers) > 1 else len(value)]


def equal(first: object, *others: object) -> bool:
    """Whether `first` equals any of the others."""
    if not others:
        raise ValueError("missing argument for comparison")
    return any(_same(first, other) for other in others)


def _same(one: object, other: object) -> bool:
    if one is None or other is None:
        return one is other
    if _basic(one) != _basic(other):
        raise ValueError("incompatible types for comparison")
    return one == other


def _basic(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    raise ValueError("non-comparable type " + type_name(value))


def less(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    if _basic(one) == _basic(other) == "number" and isinstance(one, Number) and isinstance(other, Number):
        return one < other
    raise ValueError("incompatible types for comparison")


def join(values: object, separator: str) -> str:
    if values is None:
        return ""
    if not isinstance(values, list | tuple):
        raise ValueError(f"wrong type for value; expected []string; got {type_name(values)}")
    return separator.join(map(_string, values))


def title(text: object) -> str:
    """Upper-case the first letter of every word (Go's strings.Title)."""
    result = []
    previous = " "
    for char in _string(text):
        inside = previous.isalnum() or previous in "_'"
        result.append(char if inside else char.upper())
        previous = char
    return "".join(result)


def pad(text: object, before: int, after: int) -> str:
    shown_text = _string(text)
    return " " * before + shown_text + " " * after if shown_text else ""


def truncate(text: object, limit: int) -> str:
    return _string(text)[:limit]


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"wrong type for value; expected string; got {type_name(value)}")
    return value


def spaced(*values: object) -> str:
    """Join as Go's fmt.Sprint: a space between operands when neither is a string."""
    result = ""
    for position, value in enumerate(values):
        if position and not isinstance(value, str) and not isinstance(values[position - 1], str):
            result += " "
        result += shown(value)
    return result


def type_name(value: object) -> str:
    """Return the Go type that `value` stands for."""
    names: dict[type, str] = {bool: "bool", int: "int", float: "float64", str: "string", list: "[]interface {}"}
    if value is None:
        return "nil"
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, Record):
        return value.kind
    return names.get(type(value), type(value).__name__)


FUNCTIONS: FunctionTable = {
    "json": to_json,
    "len": length,
    "index": index,
    "slice": part,
    "eq": equal,
    "ne": lambda one, other: not _same(one, other),
    "lt": less,
    "ge": lambda one, other: not less(one, other),
    "gt": lambda one, other: not less(one, other) and not _same(one, other),
    "le": lambda one, other: less(one, other) or _same(one, other),
    "not": lambda value: not value,
    "print": spaced,
    "println": lambda *values: " ".join(map(shown, values)) + "\n",
    "printf": lambda layout, *values: sprintf(_string(layout), values),
    "split": lambda text, separator: _string(text).split(separator) if separator else list(_string(text)),
    "join": join,
    "title": title,
    "lower": lambda text: _string(text).lower(),
    "upper": lambda text: _string(text).upper(),
    "pad": pad,
    "truncate": truncate,
}

HEADER_FUNCTIONS: FunctionTable = {
    **FUNCTIONS,
    **{name: lambda text: text for name in ("json", "title", "lower", "upper")},
    **{name: lambda text, _: text for name in ("split", "join", "truncate")},
}

LAZY = frozenset(["and", "or"])  # stop at the first argument that decides
NAMES = frozenset(FUNCTIONS) | LAZY
