"""weft tag"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.parser import Options
from weft.cli.render.reference import parse_reference


def run(context: Context, options: Options) -> int:
    source, target = options.arguments
    try:
        reference = parse_reference(target).with_default_tag()
    except ValueError as error:
        raise CommandFailed(f'error parsing reference: "{target}" is not a valid repository/tag: {error}') from error
    if reference.digest:
        raise CommandFailed("refusing to create a tag with a digest reference")
    context.engine.images.tag(source, reference.name, reference.tag)
    return 0


COMMAND = Command(
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", run, least=2, most=2, interspersed=False, completes=("images", "images")
)
