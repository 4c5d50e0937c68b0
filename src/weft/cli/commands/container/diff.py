"""weft diff"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.parser import Options

_LETTERS = {0: "C", 1: "A", 2: "D"}


def run(context: Context, options: Options) -> int:
    (container,) = options.arguments
    if not container:
        raise CommandFailed("Container name cannot be empty")
    for change in context.engine.files.changes(container):
        kind = change.get("Kind")
        letter = _LETTERS.get(kind, "") if isinstance(kind, int) else ""
        context.print(f"{letter} {change.get('Path')}\n")
    return 0


COMMAND = Command("CONTAINER", run, least=1, most=1, completes=("containers",))
