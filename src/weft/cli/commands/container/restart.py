"""weft restart"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import number, text
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    if options.changed("time") and options.changed("timeout"):
        raise CommandFailed("conflicting options: cannot specify both --timeout and --time")
    timeout = next((options.number(name) for name in ("timeout", "time") if options.changed(name)), None)
    signal = options.text("signal")
    containers = context.engine.containers
    return context.each(options.arguments, lambda name: containers.restart(name, signal=signal, timeout=timeout))


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    run,
    flags=(
        text("signal", "Signal to send to the container", short="s", complete="signals"),
        number("timeout", "Seconds to wait before killing the container", short="t"),
        number("time", "Seconds to wait before killing the container", deprecated="use --timeout instead"),
    ),
    least=1,
    most=ANY,
    completes=("containers",),
)
