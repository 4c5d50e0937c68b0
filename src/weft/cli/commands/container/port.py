"""weft port"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.parser import Options
from weft.cli.render.fields import inner, items, text
from weft.cli.render.moment import natural_key
from weft.cli.render.ports import join_host_port


def run(context: Context, options: Options) -> int:
    name, *wanted = options.arguments
    ports = inner(inner(context.engine.containers.inspect(name), "NetworkSettings"), "Ports")
    if wanted:
        lines = _one(ports, wanted[0], name)
    else:
        lines = [f"{port} -> {binding}" for port in ports for binding in _bindings(ports, port)]
    if lines:
        context.print("\n".join(sorted(lines, key=natural_key)) + "\n")
    return 0


def _one(ports: dict[str, object], wanted: str, container: str) -> list[str]:
    number, _, protocol = wanted.partition("/")
    if not number.isdecimal() or int(number) > 65535:
        reason = "value out of range" if number.isdecimal() else "invalid syntax"
        detail = f'strconv.ParseUint: parsing "{number}": {reason}'
        raise CommandFailed(f"Error: invalid port ({number}): {detail}")
    bindings = _bindings(ports, f"{number}/{protocol or 'tcp'}")
    if not bindings:
        raise CommandFailed(f"Error: No public port '{wanted}' published for {container}")
    return bindings


def _bindings(ports: dict[str, object], port: str) -> list[str]:
    return [join_host_port(text(item, "HostIp"), text(item, "HostPort")) for item in items(ports, port)]


COMMAND = Command("CONTAINER [PRIVATE_PORT[/PROTO]]", run, least=1, most=2, completes=("containers", ""))
