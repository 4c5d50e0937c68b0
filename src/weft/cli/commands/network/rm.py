"""weft network rm"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.parser import Options
from weft.client.errors import EngineError


def run(context: Context, options: Options) -> int:
    def remove(name: str) -> None:
        context.engine.networks.remove(name)

    if not options.on("force"):
        status = context.each(options.arguments, remove)
    else:
        status = context.each([name for name in options.arguments if _exists(context, name)], remove)
    if status:
        context.complain(f"exit status {status}")
    return status


def _exists(context: Context, name: str) -> bool:
    try:
        context.engine.networks.inspect_raw(name)
    except EngineError as error:
        return not error.not_found
    return True


COMMAND = Command(
    "NETWORK [NETWORK...]",
    run,
    flags=(switch("force", "Do not error if the network does not exist", short="f"),),
    least=1,
    most=ANY,
    completes=("networks",),
)
