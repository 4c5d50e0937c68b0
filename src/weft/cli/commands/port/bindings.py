"""What `weft port add` and `weft port rm` share: ports as they are typed, and as they are shown."""

from __future__ import annotations

from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.port import Bindings, parse_publish
from weft.cli.render.fields import inner, items, text, texts
from weft.cli.render.moment import natural_key
from weft.cli.render.ports import join_host_port
from weft.client.session import Json


def bindings(ports: list[str]) -> Bindings:
    """Return PortBindings for ports written as for -p; CommandFailed with docker's words."""
    try:
        return parse_publish(ports)
    except ValueError as error:
        raise CommandFailed(str(error)) from error


def print_ports(context: Context, answer: Json, wanted: Bindings) -> None:
    """Print where the wanted ports of a container lead from now, and the daemon's warnings."""
    for warning in texts(answer, "Warnings"):
        context.complain(f"WARNING: {warning}")
    ports = inner(answer, "Ports")
    lines = [
        f"{port} -> {join_host_port(text(item, 'HostIp'), text(item, 'HostPort'))}"
        for port in wanted
        for item in items(ports, port)
    ]
    if lines:
        context.print("\n".join(sorted(lines, key=natural_key)) + "\n")
