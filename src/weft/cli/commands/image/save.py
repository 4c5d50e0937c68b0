"""weft save"""

from __future__ import annotations

import sys

from weft.cli.archive import save
from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import refused, text
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    path = options.text("output")
    if not path:
        if context.is_terminal(sys.stdout.fileno()):
            raise CommandFailed("cowardly refusing to save to a terminal. Use the -o flag or redirect")
        for data in context.engine.images.save(options.arguments):
            context.write(data)
        return 0
    save(path, context.engine.images.save(options.arguments), "failed to save image")
    return 0


COMMAND = Command(
    "[OPTIONS] IMAGE [IMAGE...]",
    run,
    flags=(
        text("output", "Write to a file, instead of STDOUT", short="o", complete="files"),
        refused("platform"),
    ),
    least=1,
    most=ANY,
    completes=("images",),
)
