"""weft volume inspect"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.listing import inspect_format
from weft.cli.flags.parser import Options
from weft.cli.render.inspection import inspect


def run(context: Context, options: Options) -> int:
    return inspect(context, options.arguments, options.text("format"), context.engine.volumes.inspect_raw)


COMMAND = Command(
    "[OPTIONS] VOLUME [VOLUME...]", run, flags=(inspect_format(),), least=1, most=ANY, completes=("volumes",)
)
