"""weft export"""

from __future__ import annotations

import sys

from weft.cli.archive import save
from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import text
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    (container,) = options.arguments
    path = options.text("output")
    if path:
        save(path, context.engine.files.export(container), "failed to export container")
        return 0
    if context.is_terminal(sys.stdout.fileno()):
        raise CommandFailed("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    for data in context.engine.files.export(container):
        context.write(data)
    return 0


COMMAND = Command(
    "[OPTIONS] CONTAINER",
    run,
    flags=(text("output", "Write to a file, instead of STDOUT", short="o", complete="files"),),
    least=1,
    most=1,
    completes=("containers",),
)
