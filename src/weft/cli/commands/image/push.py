"""weft push"""

from __future__ import annotations

import sys

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.credentials import registry_auth
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import refused, switch, without_trust
from weft.cli.flags.parser import Options
from weft.cli.render.progress import show
from weft.cli.render.reference import parse_reference


def run(context: Context, options: Options) -> int:
    quiet, every = options.on("quiet"), options.on("all-tags")
    try:
        reference = parse_reference(options.arguments[0])
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    if every and (reference.tag or reference.digest):
        raise CommandFailed("tag can't be used with --all-tags/-a")
    if not every and not (reference.tag or reference.digest):
        reference = reference.with_default_tag()
        if not quiet:
            context.print(f"Using default tag: {reference.tag}\n")
    credentials = registry_auth(context.environment, reference.domain)
    progress = context.engine.images.push(reference.name, reference.tag, credentials=credentials)
    show(progress, sys.stdout.fileno(), quiet=quiet)
    if quiet:
        context.print(f"{reference.full}\n")
    return 0


COMMAND = Command(
    "[OPTIONS] NAME[:TAG]",
    run,
    flags=(
        switch("all-tags", "Push all tags of an image to the repository", short="a"),
        switch("quiet", "Suppress verbose output", short="q"),
        without_trust("signing"),
        refused("platform"),
    ),
    least=1,
    most=1,
    completes=("images",),
)
