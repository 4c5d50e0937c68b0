"""weft pull"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.credentials import registry_auth
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch, text, without_trust
from weft.cli.flags.parser import Options
from weft.cli.render.progress import show
from weft.cli.render.reference import Reference, parse_reference


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
    show(pull(context, reference, options.text("platform")), sys.stdout.fileno(), quiet=quiet)
    context.print(f"{reference.full}\n")
    return 0


def pull(context: Context, reference: Reference, platform: str) -> Iterator[object]:
    """Start pulling; yield its progress. Without a tag every tag is pulled."""
    return context.engine.images.pull(
        reference.name,
        reference.digest or reference.tag,
        platform=platform,
        credentials=registry_auth(context.environment, reference.domain),
    )


COMMAND = Command(
    "[OPTIONS] NAME[:TAG|@DIGEST]",
    run,
    flags=(
        switch("all-tags", "Download all tagged images in the repository", short="a"),
        switch("quiet", "Suppress verbose output", short="q"),
        text("platform", "Set platform if server is multi-platform capable"),
        without_trust("verification"),
    ),
    least=1,
    most=1,
    completes=("images",),
)
