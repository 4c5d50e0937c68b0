"""What a shell asks while a command line is being typed: `weft __complete WORD…`, the last word unfinished."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence

from weft.cli import catalog
from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.flag import Flag
from weft.cli.main import GLOBAL_FLAGS, load
from weft.client.engine import Engine
from weft.model.errors import WeftError

FILES = ":files"  # tells the script to complete file names itself


def complete(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Print what may stand for the last word, a line each; return the exit status."""
    typed = words[-1] if words else ""
    for candidate in candidates(list(words[:-1]), typed, environment):
        if candidate == FILES or candidate.startswith(typed):
            sys.stdout.write(candidate + "\n")
    return 0


def candidates(before: list[str], typed: str, environment: Mapping[str, str]) -> list[str]:
    """Return the candidates after the words `before`; no daemon means no names, and no error."""
    rest, host = _without_globals(before)
    if rest is None:
        return [FILES] if host == "" else []
    found = catalog.find(rest)
    if found is None:
        return _names(rest, typed)
    path, group, name = found
    command = load(group, name)
    context = Context(environment, host)
    verbs = sorted(catalog.GROUPS.get(name, {})) if len(rest) == 1 else []  # `port` lists, and has commands of its own
    try:
        return verbs + _command(command, rest[2 if " " in path else 1 :], typed, context)
    except WeftError:
        return verbs
    finally:
        context.close()


def _without_globals(words: list[str]) -> tuple[list[str] | None, str]:
    """Drop global flags; (None, …) while one still wants its value."""
    host = ""
    rest = list(words)
    valued = {f"--{flag.name}" for flag in GLOBAL_FLAGS if flag.implied is None} | {"-H"}
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag in valued:
            if not rest:
                return None, ""
            value = rest.pop(0)
            host = value if flag in ("-H", "--host") else host
    return rest, host


def _names(words: list[str], typed: str) -> list[str]:
    if not words:
        if typed.startswith("-"):
            return [f"--{flag.name}" for flag in GLOBAL_FLAGS]
        return sorted([*catalog.GROUPS, *catalog.TOP_LEVEL])
    return sorted(catalog.GROUPS.get(words[0], {})) if len(words) == 1 else []


def _command(command: Command, words: list[str], typed: str, context: Context) -> list[str]:
    position = 0
    waiting: Flag | None = None
    for word in words:
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and len(word) > 1 and (command.interspersed or position == 0):
            waiting = _wants_value(command, word)
        else:
            position += 1
    if waiting is not None:
        return _values(waiting.complete, context)
    if typed.startswith("-") and (command.interspersed or position == 0):
        return sorted([f"--{flag.name}" for flag in command.flags if not flag.hidden] + ["--help"])
    if position >= command.most:
        return []
    kind = command.completes[min(position, len(command.completes) - 1)]
    return [name for name in _values(kind, context) if name not in words]


def _wants_value(command: Command, word: str) -> Flag | None:
    """Return the flag that takes the next word as its value, or None."""
    if "=" in word:
        return None
    last = word[2:] if word.startswith("--") else word[-1]
    for flag in command.flags:
        if last == (flag.name if word.startswith("--") else flag.short):
            return flag if flag.implied is None else None
    return None


def _values(kind: str, context: Context) -> list[str]:
    if kind == "files":
        return [FILES]
    if kind == "signals":
        return [number.name for number in signal.Signals]
    if not kind:
        return []
    engine: Engine = context.engine
    if kind == "containers":
        return [str(name).lstrip("/") for item in engine.containers.list(all=True) for name in _list(item, "Names")]
    if kind == "networks":
        return [str(item.get("Name")) for item in engine.networks.list()]
    if kind == "volumes":
        return [str(item.get("Name")) for item in engine.volumes.list()]
    tags = [str(tag) for item in engine.images.list() for tag in _list(item, "RepoTags")]
    return sorted({tag for tag in tags if "<none>" not in tag} | {tag.removesuffix(":latest") for tag in tags} - {""})


def _list(item: Mapping[str, object], key: str) -> list[object]:
    value = item.get(key)
    return value if isinstance(value, list) else []
