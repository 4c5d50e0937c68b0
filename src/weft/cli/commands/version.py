"""weft version"""

from __future__ import annotations

import platform

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.listing import inspect_format
from weft.cli.flags.parser import Options
from weft.cli.render.columns import align
from weft.cli.render.fields import inner, items, labels, text
from weft.client.errors import ConnectionFailed
from weft.client.session import NEWEST, Json

TEMPLATE_STATUS = 64


def run(context: Context, options: Options) -> int:
    layout = options.text("format")
    problem: ConnectionFailed | None = None
    server: Json | None = None
    try:
        server = context.engine.system.version()
        used = context.engine.session.version_text
    except ConnectionFailed as error:
        problem, used = error, _newest()
    client = _client(used)
    if layout:
        context.print(_templated(layout, {"Client": client, "Server": server}) + "\n")
    else:
        shown = "\n".join([*_client_lines(client), *(_server_lines(server) if server is not None else [])])
        context.print(align(shown, minimum=20, padding=1) + "\n")
    if problem is not None:
        raise problem
    return 0


def _newest() -> str:
    return f"{NEWEST[0]}.{NEWEST[1]}"


def _client(used: str) -> Json:
    from weft import __version__

    return {
        "Version": __version__,
        "ApiVersion": used,
        "DefaultAPIVersion": _newest(),
        "PythonVersion": platform.python_version(),
        "Os": platform.system().lower(),
        "Arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "Context": "default",
    }


def _client_lines(client: Json) -> list[str]:
    used, newest = text(client, "ApiVersion"), text(client, "DefaultAPIVersion")
    return [
        "Client: Weft",
        f" Version:\t{text(client, 'Version')}",
        f" API version:\t{used}" + (f" (downgraded from {newest})" if used != newest else ""),
        f" Python version:\t{text(client, 'PythonVersion')}",
        f" OS/Arch:\t{text(client, 'Os')}/{text(client, 'Arch')}",
        f" Context:\t{text(client, 'Context')}",
    ]


def _server_lines(server: Json) -> list[str]:
    name = text(inner(server, "Platform"), "Name")
    lines = ["", f"Server: {name}" if name else "Server:"]
    for component in items(server, "Components"):
        lines += [f" {text(component, 'Name')}:", f"  Version:\t{text(component, 'Version')}"]
        details = labels(component, "Details")
        if "ApiVersion" in details:
            lines += _engine_lines(details)
        else:
            lines += [f"  {key}:\t{details[key]}" for key in sorted(details) if details[key]]
    return lines


def _engine_lines(details: dict[str, str]) -> list[str]:
    """Return what is known of the engine; docker's own titles, so that scripts find them."""
    lines = [f"  API version:\t{details['ApiVersion']} (minimum version {details.get('MinAPIVersion', '')})"]
    for title, key in (("Go version", "GoVersion"), ("Git commit", "GitCommit"), ("Built", "BuildTime")):
        if details.get(key):
            lines.append(f"  {title}:\t{_date(details[key]) if key == 'BuildTime' else details[key]}")
    lines.append(f"  OS/Arch:\t{details.get('Os', '')}/{details.get('Arch', '')}")
    lines.append(f"  Experimental:\t{details.get('Experimental', 'false')}")
    return lines


def _date(moment: str) -> str:
    """Return RFC 3339 as docker shows build times: Thu May  7 21:09:36 2026."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(moment[:19]).strftime("%a %b %e %H:%M:%S %Y")
    except ValueError:
        return moment


def _templated(layout: str, document: Json) -> str:
    from weft.cli.template.errors import TemplateError
    from weft.cli.template.template import Template
    from weft.cli.template.values import mark_free

    try:
        return Template("{{json .}}" if layout == "json" else layout).execute(mark_free(document))
    except TemplateError as error:
        raise CommandFailed(f"template parsing error: {error}", TEMPLATE_STATUS) from error


COMMAND = Command("[OPTIONS]", run, flags=(inspect_format(),))
