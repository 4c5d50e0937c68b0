"""weft import"""

from __future__ import annotations

import os
import sys

from weft.cli.archive import chunks, open_archive
from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import many, text
from weft.cli.flags.parser import Options
from weft.cli.flags.repository import repository_and_tag
from weft.cli.render.progress import show


def run(context: Context, options: Options) -> int:
    source, *target = options.arguments
    if source.startswith(("http://", "https://")):
        raise CommandFailed(f"importing from a URL is not supported by Weft: curl {source} | weft import -")
    repository, tag = repository_and_tag(target[0] if target else "")
    descriptor = sys.stdin.fileno() if source == "-" else open_archive(source)
    try:
        progress = context.engine.images.import_(
            chunks(descriptor),
            repository=repository,
            tag=tag,
            message=options.text("message"),
            changes=options.texts("change"),
            platform=options.text("platform"),
        )
    finally:
        if source != "-":
            os.close(descriptor)
    show(progress, sys.stdout.fileno())
    return 0


COMMAND = Command(
    "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    run,
    flags=(
        many("change", "Apply Dockerfile instruction to the created image", short="c"),
        text("message", "Set commit message for imported image", short="m"),
        text("platform", "Set platform if server is multi-platform capable"),
    ),
    least=1,
    most=2,
    completes=("files", "images"),
)
