"""weft load"""

from __future__ import annotations

import os
import sys

from weft.cli.archive import chunks, open_archive
from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import refused, switch, text
from weft.cli.flags.parser import Options
from weft.cli.render.progress import show


def run(context: Context, options: Options) -> int:
    path = options.text("input")
    if not path and context.is_terminal(sys.stdin.fileno()):
        raise CommandFailed("requested load from stdin, but stdin is empty")
    descriptor = open_archive(path) if path else sys.stdin.fileno()
    quiet = options.on("quiet") or not context.is_terminal(sys.stdout.fileno())
    try:
        response = context.engine.images.load(chunks(descriptor), quiet=quiet)
    finally:
        if path:
            os.close(descriptor)
    session = context.engine.session
    if response.headers.get("content-type") == "application/json":
        show(session.stream_json(response), sys.stdout.fileno())
    else:
        for data in session.stream(response):
            context.write(data)
    return 0


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(
        text("input", "Read from tar archive file, instead of STDIN", short="i", complete="files"),
        switch("quiet", "Suppress the load output", short="q"),
        refused("platform"),
    ),
)
