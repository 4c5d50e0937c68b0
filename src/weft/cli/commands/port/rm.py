"""weft port rm"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.commands.port.bindings import bindings
from weft.cli.context import Context
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    name, *ports = options.arguments
    context.engine.containers.unpublish(name, dict(bindings(ports)))
    return 0


_LONG = """Withdraw published ports of a container, running or not

A PORT is a port of the container, which withdraws all that leads to it (80/tcp), or one binding of it
([[HOST_IP:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]). Connections through other ports go on untouched."""
COMMAND = Command("CONTAINER PORT [PORT...]", run, least=2, most=ANY, completes=("containers", ""), long=_LONG)
