"""Creating a container, pulling its image where that is missing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.parser import Options
from weft.cli.render.fields import text, texts
from weft.cli.render.reference import parse_reference
from weft.client.errors import EngineError
from weft.client.session import Json
from weft.model.errors import InvalidParameter

PULLS = ("always", "missing", "never")
_IMAGE_ID_LENGTH = 64


def check_pull(options: Options) -> None:
    """Raise InvalidParameter for a --pull that is none."""
    pull = options.text("pull")
    if pull and pull not in PULLS:
        raise InvalidParameter(f'invalid pull option: \'{pull}\': must be one of "always", "missing" or "never"')


def create(context: Context, options: Options, document: Json) -> str:
    """Create the container and return its id; warnings go to standard error.

    Raises InvalidParameter, EngineError, CommandFailed.
    """
    image = options.arguments[0]
    shown = image
    if not (len(image) == _IMAGE_ID_LENGTH and set(image) <= set("0123456789abcdef")):
        try:
            shown = str(parse_reference(image.removeprefix("sha256:")).with_default_tag())
        except ValueError as error:
            raise InvalidParameter(str(error)) from error
    _add_console_size(document)
    with _id_file(options.text("cidfile")) as remember:
        if options.text("pull") == "always":
            _pull(context, options)
        answer = _created(context, options, document, shown)
        for warning in texts(answer, "Warnings"):
            context.complain(f"WARNING: {warning}")
        identifier = text(answer, "Id")
        remember.append(identifier)
    return identifier


def _created(context: Context, options: Options, document: Json, shown: str) -> Json:
    name, platform = options.text("name"), options.text("platform")
    try:
        return context.engine.containers.create(document, name=name, platform=platform)
    except EngineError as error:
        if not error.not_found or options.text("pull") not in ("missing", ""):
            raise
    if not options.on("quiet"):
        context.complain(f"Unable to find image '{shown}' locally")
    _pull(context, options)
    return context.engine.containers.create(document, name=name, platform=platform)


def _pull(context: Context, options: Options) -> None:
    from weft.cli.commands.image.pull import pull
    from weft.cli.render.progress import show

    messages = pull(context, parse_reference(options.arguments[0]).with_default_tag(), options.text("platform"))
    show(messages, sys.stderr.fileno(), quiet=options.on("quiet"))


def _add_console_size(document: Json) -> None:
    try:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return
    host = document.get("HostConfig")
    if isinstance(host, dict) and rows and columns:
        host["ConsoleSize"] = [rows, columns]


@contextlib.contextmanager
def _id_file(path: str) -> Iterator[list[str]]:
    """Hold --cidfile open, so that it is known to be writable; it stays only if an id comes to be in it."""
    identifiers: list[str] = []
    if not path:
        yield identifiers
        return
    if os.path.exists(path):
        raise InvalidParameter(f"container ID file found, make sure the other container isn't running or delete {path}")
    try:
        file = open(path, "x", encoding="ascii")  # noqa: SIM115 - closed below, and removed where nothing was made
    except OSError as error:
        raise CommandFailed(f"failed to create the container ID file: {error}") from error
    try:
        with file:
            yield identifiers
            file.write("".join(identifiers))
    finally:
        if not identifiers:
            os.unlink(path)
