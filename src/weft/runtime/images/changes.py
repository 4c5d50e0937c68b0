"""`--change` of an import or a commit: Dockerfile instructions applied to an image's configuration."""

import json
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from weft.engine.containers.signals import signal_number
from weft.model.errors import InvalidParameter
from weft.model.image import ImageConfig
from weft.runtime.images.healthcheck import parse_healthcheck
from weft.runtime.images.words import expand, split_words

_SHELL = ("/bin/sh", "-c")
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
_NO_TRIGGERS = {"ONBUILD": "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"}
_NO_TRIGGERS |= {name: f"{name} isn't allowed as an ONBUILD trigger" for name in ("MAINTAINER", "FROM")}


def apply_changes(config: ImageConfig, changes: Iterable[str]) -> ImageConfig:
    """Return the configuration with each instruction applied in order; InvalidParameter for one that is malformed.

    An entrypoint takes the command away that stood before all changes: it was not made for it.
    """
    command_given = False
    for change in changes:
        for line in filter(str.strip, change.splitlines() or [change]):
            instruction, rest = _instruction(line)
            config = _INSTRUCTIONS[instruction](config, rest)
            command_given |= instruction == "CMD"
            if instruction == "ENTRYPOINT" and not command_given:
                config = replace(config, cmd=None)
    return config


def _instruction(line: str) -> tuple[str, str]:
    words = line.split(None, 1)
    instruction, rest = words[0].upper(), words[1].strip() if len(words) > 1 else ""
    if instruction not in _INSTRUCTIONS:
        raise InvalidParameter(f"{instruction.lower()} is not a valid change command")
    if not rest:
        raise InvalidParameter(f"{instruction} requires at least one argument")
    return instruction, rest


def _command(config: ImageConfig, text: str) -> tuple[str, ...]:
    """Return the exec form as it is, the shell form under a shell."""
    words = json_words(text)
    return (*(config.shell or _SHELL), text) if words is None else words


def json_words(text: str) -> tuple[str, ...] | None:
    """Return the words of the exec form, None for what is none."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except ValueError:
        return None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(words)
    return None


def _variables(config: ImageConfig) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in config.env)


def _words(config: ImageConfig, text: str) -> list[str]:
    variables = _variables(config)
    return [expand(word, variables) for word in split_words(text)]


def _one(instruction: str, config: ImageConfig, text: str) -> str:
    words = _words(config, text)
    if len(words) != 1:
        raise InvalidParameter(f"{instruction} requires exactly one argument")
    return words[0]


def _pairs(instruction: str, config: ImageConfig, text: str) -> dict[str, str]:
    """Return `k=v …`, or the older `k v`."""
    variables = _variables(config)
    first = text.split(None, 1)
    if "=" not in first[0]:
        if len(first) < 2:
            raise InvalidParameter(f"{instruction} must have two arguments")
        return {expand(first[0], variables): expand(first[1], variables)}
    pairs = {}
    for word in split_words(text):
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise InvalidParameter(f"Syntax error - can't find = in {word!r}. Must be of the form: name=value")
        pairs[expand(key, variables)] = expand(value, variables)
    return pairs


def _env(config: ImageConfig, text: str) -> ImageConfig:
    merged = _variables(config) | _pairs("ENV", config, text)
    return replace(config, env=tuple(f"{key}={value}" for key, value in merged.items()))


def _labels(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, labels=dict(config.labels) | _pairs("LABEL", config, text))


def _expose(config: ImageConfig, text: str) -> ImageConfig:
    ports = list(config.exposed_ports)
    for word in " ".join(_words(config, text)).split():  # a variable may hold several
        match = _PORTS.fullmatch(word)
        first = int(match[1]) if match else 0
        last = int(match[2] or first) if match else 0
        if not match or not 0 < first <= last <= 65535:
            raise InvalidParameter(f"invalid containerPort: {word}")
        protocol = (match[3] or "tcp").lower()
        ports.extend(f"{port}/{protocol}" for port in range(first, last + 1))
    return replace(config, exposed_ports=tuple(dict.fromkeys(ports)))


def _volumes(config: ImageConfig, text: str) -> ImageConfig:
    variables = _variables(config)
    given = json_words(text)
    paths = _words(config, text) if given is None else [expand(path, variables) for path in given]
    if not all(path.strip() for path in paths):
        raise InvalidParameter("VOLUME specified can not be an empty string")
    return replace(config, volumes=tuple(dict.fromkeys((*config.volumes, *paths))))


def _workdir(config: ImageConfig, text: str) -> ImageConfig:
    path = expand(text, _variables(config))
    return replace(config, working_dir=posixpath.normpath(posixpath.join("/", config.working_dir, path)))


def _stop_signal(config: ImageConfig, text: str) -> ImageConfig:
    signal = _one("STOPSIGNAL", config, text)
    signal_number(signal)
    return replace(config, stop_signal=signal)


def _on_build(config: ImageConfig, text: str) -> ImageConfig:
    trigger = text.split(None, 1)[0].upper()
    if reason := _NO_TRIGGERS.get(trigger):
        raise InvalidParameter(reason)
    return replace(config, on_build=(*config.on_build, text))


_INSTRUCTIONS: dict[str, Callable[[ImageConfig, str], ImageConfig]] = {
    "CMD": lambda config, text: replace(config, cmd=_command(config, text)),
    "ENTRYPOINT": lambda config, text: replace(config, entrypoint=_command(config, text)),
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": lambda config, text: replace(config, health=parse_healthcheck(text)),
    "LABEL": _labels,
    "ONBUILD": _on_build,
    "STOPSIGNAL": _stop_signal,
    "USER": lambda config, text: replace(config, user=_one("USER", config, text)),
    "VOLUME": _volumes,
    "WORKDIR": _workdir,
}
