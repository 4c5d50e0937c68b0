"""weft wait"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.parser import Options
from weft.client.containers import exit_code
from weft.model.errors import WeftError


def run(context: Context, options: Options) -> int:
    errors = []
    for name in options.arguments:
        try:
            response = context.engine.containers.wait(name)
            context.print(f"{exit_code(response)[0]}\n")
        except WeftError as error:
            errors.append(error)
    for failure in errors:
        context.complain(context.error_text(failure))
    return 1 if errors else 0


COMMAND = Command("CONTAINER [CONTAINER...]", run, least=1, most=ANY, completes=("containers",))
