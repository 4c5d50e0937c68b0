"""weft container inspect"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.listing import inspect_format
from weft.cli.flags.parser import Options
from weft.cli.render.inspection import inspect


def run(context: Context, options: Options) -> int:
    containers = context.engine.containers
    size = options.on("size")
    return inspect(
        context, options.arguments, options.text("format"), lambda name: containers.inspect_raw(name, size=size)
    )


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    run,
    flags=(inspect_format(), switch("size", "Display total file sizes", short="s")),
    least=1,
    most=ANY,
    completes=("containers",),
)
