"""weft port add"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.commands.port.bindings import bindings, print_ports
from weft.cli.context import Context
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    name, *ports = options.arguments
    wanted = bindings(ports)
    print_ports(context, context.engine.containers.publish(name, dict(wanted)), wanted)
    return 0


_LONG = """Publish ports of a container, running or not

A PORT is written as for `weft run -p`: [[HOST_IP:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL].
Connections through other ports go on untouched; the port stays published over restarts."""
COMMAND = Command("CONTAINER PORT [PORT...]", run, least=2, most=ANY, completes=("containers", ""), long=_LONG)
