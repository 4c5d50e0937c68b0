"""key=value pairs: on the command line, in env files and label files, and in comma-separated fields."""

import os
from collections.abc import Callable, Iterable, Mapping

from weft.cli.errors import CommandFailed

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


def read_files(paths: Iterable[str], lookup: Callable[[str], str | None] | None, flag: str) -> list[str]:
    """Return the pairs of env or label files, in order; raises CommandFailed (125).

    A key without a value gets one from `lookup`, or is dropped.
    """
    pairs: list[str] = []
    for path in paths:
        try:
            with open(path, encoding="utf-8-sig") as file:
                content = file.read()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CommandFailed(f"--{flag}: open {path}: {reason}", 125) from error
        except UnicodeDecodeError as error:
            raise CommandFailed(f"--{flag}: invalid env file ({path}): invalid utf8 bytes", 125) from error
        pairs += _lines(content, path, lookup, flag)
    return pairs


def _lines(content: str, path: str, lookup: Callable[[str], str | None] | None, flag: str) -> list[str]:
    pairs = []
    for raw in content.split("\n"):
        line = raw.rstrip("\r").lstrip()
        if not line or line.startswith("#"):
            continue
        key, equals, _ = line.partition("=")
        if not key:
            reason = f"no variable name on line '{line}'"
        elif " " in key or "\t" in key:
            reason = f"variable '{key}' contains whitespaces"
        else:
            found = line if equals else None
            if not equals and lookup is not None:
                value = lookup(line)
                found = None if value is None else f"{key}={value}"
            pairs += [found] if found is not None else []
            continue
        raise CommandFailed(f"--{flag}: invalid env file ({path}): {reason}", 125)
    return pairs


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


def environment_lookup(environment: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return a lookup for `read_files` in this process's environment."""
    return environment.get
