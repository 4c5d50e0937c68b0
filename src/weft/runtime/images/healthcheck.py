"""The instruction HEALTHCHECK (Dockerfile reference)."""

import json
from collections.abc import Mapping
from typing import Final

from weft.model.duration import parse_duration
from weft.model.errors import InvalidParameter
from weft.model.health import HealthCheck

_DURATIONS: Final[Mapping[str, str]] = {
    "interval": "interval",
    "timeout": "timeout",
    "start-period": "start_period",
    "start-interval": "start_interval",
}
_SHORTEST: Final = 1_000_000  # nanoseconds


def parse_healthcheck(text: str) -> HealthCheck:
    """Return the check that `NONE` or `[--interval=… …] CMD …` asks for; InvalidParameter in Docker's words."""
    flags: dict[str, int] = {}
    while text.startswith("--"):
        flag, _, text = text.partition(" ")
        text = text.lstrip()
        name, equals, value = flag[2:].partition("=")
        if name not in (*_DURATIONS, "retries"):
            raise InvalidParameter(f"unknown flag: {name}")
        if not equals:
            raise InvalidParameter(f"missing a value on flag: {name}")
        flags[_DURATIONS.get(name, name)] = _retries(value) if name == "retries" else _duration(name, value)
    kind, _, command = text.partition(" ")
    match kind.upper():
        case "NONE":
            if command.strip() or flags:
                raise InvalidParameter("HEALTHCHECK NONE takes no arguments")
            return HealthCheck(test=("NONE",))
        case "CMD":
            return HealthCheck(test=_test(command.strip()), **flags)
        case "":
            raise InvalidParameter("HEALTHCHECK requires at least one argument")
    raise InvalidParameter(f"unknown type {kind.upper()!r} in HEALTHCHECK (try CMD)")


def _test(command: str) -> tuple[str, ...]:
    if not command:
        raise InvalidParameter("missing command after HEALTHCHECK CMD")
    if command.startswith("["):
        try:
            words = json.loads(command)
        except ValueError:
            words = None
        if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
            return ("CMD", *words)
    return ("CMD-SHELL", command)


def _duration(name: str, text: str) -> int:
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise InvalidParameter(str(error)) from None
    if 0 < duration < _SHORTEST or duration < 0:
        raise InvalidParameter(f'interval "{name}" cannot be less than 1ms')
    return duration


def _retries(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InvalidParameter(f"--retries must be at least 0 (not {text})")
    return int(text)
