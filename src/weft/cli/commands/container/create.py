"""weft create"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.commands.container.creation.create import check_pull, create
from weft.cli.commands.container.creation.flags import creation_flags
from weft.cli.commands.container.creation.request import build
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.parser import Options
from weft.model.errors import InvalidParameter


def run(context: Context, options: Options) -> int:
    try:
        check_pull(options)
        document = build(options, context.environment.get, context.engine.session.version)
    except InvalidParameter as error:
        raise CommandFailed(f"weft: {error}\n\nRun 'weft create --help' for more information", 125) from error
    context.print(create(context, options, document) + "\n")
    return 0


COMMAND = Command(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    run,
    flags=creation_flags("creating"),
    least=1,
    most=ANY,
    interspersed=False,
    completes=("images", ""),
)
