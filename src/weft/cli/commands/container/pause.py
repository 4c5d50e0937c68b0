"""weft pause"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    return context.each(options.arguments, context.engine.containers.pause, parallel=True)


COMMAND = Command("CONTAINER [CONTAINER...]", run, least=1, most=ANY, completes=("containers",))
