"""`--change` of an import: Dockerfile instructions applied to an image's configuration."""

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace

from weft.model.errors import InvalidParameter, Unimplemented
from weft.model.image import ImageConfig

_SHELL = ("/bin/sh", "-c")
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
_REFUSED = {"ONBUILD", "HEALTHCHECK"}


def apply_changes(config: ImageConfig, changes: Iterable[str]) -> ImageConfig:
    """Return the configuration with each instruction applied in order.

    Raises InvalidParameter for a malformed or unknown instruction, Unimplemented for ONBUILD and HEALTHCHECK.
    """
    for change in changes:
        instruction, _, rest = change.strip().partition(" ")
        instruction, rest = instruction.upper(), rest.strip()
        if instruction in _REFUSED:
            raise Unimplemented(f"{instruction} is not supported as a change: leave it out")
        apply = _INSTRUCTIONS.get(instruction)
        if apply is None:
            raise InvalidParameter(f"{instruction.lower()} is not a valid change command")
        if not rest:
            raise InvalidParameter(f"{instruction} requires at least one argument")
        config = apply(config, rest)
    return config


def _command(text: str) -> tuple[str, ...]:
    """Return the exec form as it is, the shell form under a shell."""
    words = _json_words(text)
    return (*_SHELL, text) if words is None else words


def _json_words(text: str) -> tuple[str, ...] | None:
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except ValueError:
        return None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(words)
    return None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InvalidParameter(f"{text}: {error}") from error


def _pairs(instruction: str, text: str) -> dict[str, str]:
    """Return `k=v …`, or the older `k v`."""
    first = text.split(None, 1)
    if "=" not in first[0]:
        if len(first) < 2:
            raise InvalidParameter(f"{instruction} must have two arguments")
        return {first[0]: first[1]}
    pairs = {}
    for word in _words(text):
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise InvalidParameter(f"Syntax error - can't find = in {word!r}. Must be of the form: name=value")
        pairs[key] = value
    return pairs


def _env(config: ImageConfig, text: str) -> ImageConfig:
    merged = dict(entry.partition("=")[::2] for entry in config.env) | _pairs("ENV", text)
    return replace(config, env=tuple(f"{key}={value}" for key, value in merged.items()))


def _labels(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, labels=dict(config.labels) | _pairs("LABEL", text))


def _expose(config: ImageConfig, text: str) -> ImageConfig:
    ports = list(config.exposed_ports)
    for word in _words(text):
        match = _PORTS.fullmatch(word)
        first = int(match[1]) if match else 0
        last = int(match[2] or first) if match else 0
        if not match or not 0 < first <= last <= 65535:
            raise InvalidParameter(f"invalid containerPort: {word}")
        protocol = (match[3] or "tcp").lower()
        ports.extend(f"{port}/{protocol}" for port in range(first, last + 1))
    return replace(config, exposed_ports=tuple(dict.fromkeys(ports)))


def _volumes(config: ImageConfig, text: str) -> ImageConfig:
    paths = _json_words(text) or tuple(_words(text))
    if not all(path.strip() for path in paths):
        raise InvalidParameter("VOLUME specified can not be an empty string")
    return replace(config, volumes=tuple(dict.fromkeys((*config.volumes, *paths))))


def _workdir(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, working_dir=posixpath.normpath(posixpath.join("/", config.working_dir, text)))


_INSTRUCTIONS: dict[str, Callable[[ImageConfig, str], ImageConfig]] = {
    "CMD": lambda config, text: replace(config, cmd=_command(text)),
    "ENTRYPOINT": lambda config, text: replace(config, entrypoint=_command(text)),
    "ENV": _env,
    "EXPOSE": _expose,
    "LABEL": _labels,
    "STOPSIGNAL": lambda config, text: replace(config, stop_signal=text),
    "USER": lambda config, text: replace(config, user=text),
    "VOLUME": _volumes,
    "WORKDIR": _workdir,
}
