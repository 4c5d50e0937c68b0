"""weft save"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator

from weft.cli.command import ANY, Command
from weft.cli.context import Context, write_all
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
    _save(path, context.engine.images.save(options.arguments))
    return 0


def _save(path: str, data: Iterator[bytes]) -> None:
    """Write to a file beside `path` that takes its place once it is whole."""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".weft-save-", dir=os.path.dirname(os.path.abspath(path)))
    except OSError as error:
        raise CommandFailed(f"failed to save image: {error}") from error
    try:
        for piece in data:
            write_all(descriptor, piece)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)


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
