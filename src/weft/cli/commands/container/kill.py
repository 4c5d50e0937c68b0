"""weft kill"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.flag import text
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    signal = options.text("signal")
    containers = context.engine.containers
    return context.each(options.arguments, lambda name: containers.kill(name, signal=signal), parallel=True)


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    run,
    flags=(text("signal", "Signal to send to the container", short="s", complete="signals"),),
    least=1,
    most=ANY,
    completes=("containers",),
)
