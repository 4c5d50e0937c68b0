"""weft network inspect"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.listing import inspect_format
from weft.cli.flags.parser import Options
from weft.cli.render.inspection import inspect


def run(context: Context, options: Options) -> int:
    networks = context.engine.networks
    verbose = options.on("verbose")
    return inspect(
        context, options.arguments, options.text("format"), lambda name: networks.inspect_raw(name, verbose=verbose)
    )


COMMAND = Command(
    "[OPTIONS] NETWORK [NETWORK...]",
    run,
    flags=(inspect_format(), switch("verbose", "Verbose output for diagnostics", short="v")),
    least=1,
    most=ANY,
    completes=("networks",),
)
