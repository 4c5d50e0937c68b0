"""weft info"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.listing import inspect_format
from weft.cli.flags.parser import Options
from weft.cli.render.fields import texts
from weft.cli.render.info import client_lines, server_lines
from weft.client.errors import ConnectionFailed
from weft.client.session import Json

TEMPLATE_STATUS = 64


def run(context: Context, options: Options) -> int:
    layout = options.text("format")
    client = _client()
    if layout:
        context.print(_templated(context, layout, client) + "\n")
        return 0
    context.print("".join(f"{line}\n" for line in client_lines(client)) + "\nServer:\n")
    try:
        info = context.engine.system.info()
    except ConnectionFailed as error:
        context.complain(str(error))
        return 1
    context.print("".join(f"{line}\n" for line in server_lines(info)) + "\n")
    for warning in texts(info, "Warnings"):
        context.complain(warning)
    return 0


def _client() -> Json:
    from weft import __version__

    return {"Debug": False, "Version": __version__, "Context": "default", "Plugins": [], "Warnings": None}


def _templated(context: Context, layout: str, client: Json) -> str:
    from weft.cli.template.errors import TemplateError
    from weft.cli.template.template import Template
    from weft.cli.template.values import mark_free

    document = {**context.engine.system.info(), "ClientInfo": client}
    try:
        return Template("{{json .}}" if layout == "json" else layout).execute(mark_free(document))
    except TemplateError as error:
        raise CommandFailed(f"template parsing error: {error}", TEMPLATE_STATUS) from error


COMMAND = Command("[OPTIONS]", run, flags=(inspect_format(),))
