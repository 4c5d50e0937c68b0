"""weft network connect"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import many, number, text
from weft.cli.flags.network import Attachment
from weft.cli.flags.parser import Options

_PRIORITY = "Highest gw-priority provides the default gateway. Accepts positive and negative values."


def run(context: Context, options: Options) -> int:
    network, container = options.arguments
    attachment = Attachment(network)
    attachment.ipv4 = options.text("ip")
    attachment.ipv6 = options.text("ip6")
    attachment.links = options.texts("link")
    attachment.aliases = _separated(options.texts("alias"))
    attachment.link_local_ips = _separated(options.texts("link-local-ip"))
    attachment.gateway_priority = options.number("gw-priority")
    for option in _separated(options.texts("driver-opt")):
        key, equals, value = option.partition("=")
        if not equals or not key.strip():
            raise CommandFailed("invalid key/value pair format in driver options")
        attachment.driver_options[key.strip()] = value.strip()
    context.engine.networks.connect(network, container, attachment.settings())
    return 0


def _separated(values: list[str]) -> list[str]:
    return [item for value in values for item in value.split(",")]


COMMAND = Command(
    "[OPTIONS] NETWORK CONTAINER",
    run,
    flags=(
        text("ip", 'IPv4 address (e.g., "172.30.100.104")'),
        text("ip6", 'IPv6 address (e.g., "2001:db8::33")'),
        many("link", "Add link to another container"),
        many("alias", "Add network-scoped alias for the container", kind="strings"),
        many("link-local-ip", "Add a link-local address for the container", kind="strings"),
        many("driver-opt", "driver options for the network", kind="strings"),
        number("gw-priority", _PRIORITY),
    ),
    least=2,
    most=2,
    completes=("networks", "containers"),
)
