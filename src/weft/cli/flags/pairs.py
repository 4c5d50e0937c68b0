"""key=value pairs: on the command line, in env files and label files, and in comma-separated fields."""

import os
from collections.abc import Callable, Iterable

from weft.model.errors import InvalidParameter

_KERNEL_SYSCTLS = (
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
)


def parse_env(value: str) -> str:
    """Return KEY=value, the value taken from this process where none is given; raises ValueError."""
    key, equals, _ = value.partition("=")
    if not key:
        raise ValueError(f"invalid environment variable: {value}")
    if not equals and key in os.environ:
        return f"{key}={os.environ[key]}"
    return value


def parse_label(value: str) -> str:
    """Return the label; raises ValueError for an empty name."""
    key, equals, _ = value.partition("=")
    if equals and not key.strip():
        raise ValueError(f"invalid label '{value}': empty name")
    return value


def parse_pair(value: str) -> tuple[str, str]:
    """Return (key, value)."""
    key, _, rest = value.partition("=")
    return key, rest


def parse_sysctl(value: str) -> tuple[str, str]:
    """Return (key, value); raises ValueError for what Docker does not let a container set."""
    key, equals, rest = value.partition("=")
    if not equals or not (key in _KERNEL_SYSCTLS or key.startswith(("net.", "fs.mqueue."))):
        raise ValueError(f"sysctl '{value}' is not allowed")
    return key, rest


def parse_filter(value: str) -> tuple[str, str]:
    """Return (lower-case key, value) of --filter; raises ValueError."""
    if "=" not in value:
        raise ValueError("bad format of filter (expected name=value)")
    key, _, rest = value.partition("=")
    return key.strip().lower(), rest.strip()


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the pairs by key, each key's values in order and once."""
    result: dict[str, list[str]] = {}
    for key, value in pairs:
        values = result.setdefault(key, [])
        if value not in values:
            values.append(value)
    return result


def mapping(values: Iterable[str]) -> dict[str, str]:
    """Return {"key": "value"} of `key=value` texts; without "=" the value is ""."""
    return dict(parse_pair(value) for value in values)


def read_files(paths: Iterable[str], lookup: Callable[[str], str | None] | None) -> list[str]:
    """Return the pairs of env or label files, in order; raises InvalidParameter with docker's texts.

    A key without a value gets one from `lookup`, or is dropped.
    """
    pairs: list[str] = []
    for path in paths:
        try:
            with open(path, encoding="utf-8-sig") as file:
                content = file.read()
        except OSError as error:
            raise InvalidParameter(f"open {path}: {(error.strerror or str(error)).lower()}") from error
        except UnicodeDecodeError as error:
            raise InvalidParameter(f"invalid env file ({path}): invalid utf8 bytes: {error.reason}") from error
        try:
            pairs += [pair for line in content.split("\n") if (pair := _line(line, lookup)) is not None]
        except ValueError as error:
            raise InvalidParameter(f"invalid env file ({path}): {error}") from error
    return pairs


def _line(raw: str, lookup: Callable[[str], str | None] | None) -> str | None:
    line = raw.rstrip("\r").lstrip()
    if not line or line.startswith("#"):
        return None
    key, equals, _ = line.partition("=")
    if not key:
        raise ValueError(f"no variable name on line '{line}'")
    if " " in key or "\t" in key:
        raise ValueError(f"variable '{key}' contains whitespaces")
    if equals:
        return line
    value = lookup(line) if lookup is not None else None
    return None if value is None else f"{key}={value}"


def fields(value: str) -> list[str]:
    """Split a comma-separated record (RFC 4180: a field in double quotes may hold commas); raises ValueError."""
    result: list[str] = []
    field: list[str] = []
    quoted = False
    position = 0
    while position < len(value):
        char = value[position]
        position += 1
        if char == '"' and quoted and value[position : position + 1] == '"':
            field.append('"')
            position += 1
        elif char == '"' and (quoted or not field):
            quoted = not quoted
        elif char == "," and not quoted:
            result.append("".join(field))
            field = []
        else:
            field.append(char)
    if quoted:
        raise ValueError(f'parse error on line 1, column {len(value) + 1}: extraneous or missing " in quoted-field')
    return [*result, "".join(field)]
