"""weft rename"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.parser import Options
from weft.client.errors import EngineError


def run(context: Context, options: Options) -> int:
    old, new = options.arguments
    try:
        context.engine.containers.rename(old, new)
    except EngineError as error:
        context.complain(context.error_text(error))
        context.complain(f"Error: failed to rename container named {old}")
        return 1
    return 0


COMMAND = Command("CONTAINER NEW_NAME", run, least=2, most=2, completes=("containers", ""))
