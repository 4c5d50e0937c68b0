"""Help texts, laid out as docker's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from weft.cli import catalog
from weft.cli.command import Command
from weft.cli.flags.flag import Flag
from weft.cli.flags.usage import flag_usages

DEFAULT_WIDTH = 80
NAME_COLUMN = 11


def width() -> int:
    """Return the terminal's columns, 80 without a terminal."""
    try:
        return os.get_terminal_size(sys.stdin.fileno()).columns or DEFAULT_WIDTH
    except (OSError, ValueError):
        return DEFAULT_WIDTH


def top_level(flags: Sequence[Flag]) -> str:
    """Return `weft --help`."""
    others = sorted(set(catalog.TOP_LEVEL) - set(catalog.COMMON))
    return (
        "Usage:  weft [OPTIONS] COMMAND\n\nA container network engine that speaks the Docker Engine API\n"
        + _section("Common Commands", {name: catalog.top_summary(name) for name in catalog.COMMON})
        + _section("Management Commands", catalog.GROUP_SUMMARIES)
        + _section("Commands", {name: catalog.top_summary(name) for name in others})
        + f"\nGlobal Options:\n{flag_usages(flags, width() - 1)}"
        + "\nRun 'weft COMMAND --help' for more information on a command.\n"
    )


def group(name: str) -> str:
    """Return `weft network --help`."""
    return (
        f"Usage:  weft {name} COMMAND\n\n{catalog.GROUP_SUMMARIES[name]}\n"
        + _section("Commands", catalog.GROUPS[name])
        + f"\nRun 'weft {name} COMMAND --help' for more information on a command.\n"
    )


def command(found: catalog.Found, command: Command) -> str:
    """Return a command's help."""
    path, group_name, name = found
    text = f"Usage:  {usage_line(path, command)}\n\n{command.long or catalog.summary(group_name, name)}\n"
    paths = catalog.paths(group_name, name)
    if len(paths) > 1:
        text += f"\nAliases:\n  {', '.join(paths)}\n"
    if any(not flag.hidden for flag in command.flags):
        text += f"\nOptions:\n{flag_usages(command.flags, width() - 1)}"
    return text


def usage_line(path: str, command: Command) -> str:
    return f"weft {path} {command.usage}".rstrip()


def _section(title: str, entries: Mapping[str, str]) -> str:
    names = list(entries) if title == "Common Commands" else sorted(entries)
    column = max(NAME_COLUMN, *map(len, names)) + 1
    return f"\n{title}:\n" + "".join(f"  {name:<{column}}{entries[name]}\n" for name in names)
