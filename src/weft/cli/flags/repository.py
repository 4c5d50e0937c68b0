"""The argument REPOSITORY[:TAG] of commands that name a new image."""

from weft.cli.errors import CommandFailed
from weft.cli.render.reference import parse_reference


def repository_and_tag(text: str) -> tuple[str, str]:
    """Return repository and tag, both "" for no argument; CommandFailed says what is wrong with it."""
    if not text:
        return "", ""
    try:
        reference = parse_reference(text)
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    return reference.name, reference.tag
