"""weft network disconnect"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    network, container = options.arguments
    context.engine.networks.disconnect(network, container, force=options.on("force"))
    return 0


COMMAND = Command(
    "[OPTIONS] NETWORK CONTAINER",
    run,
    flags=(switch("force", "Force the container to disconnect from a network", short="f"),),
    least=2,
    most=2,
    completes=("networks", "containers"),
)
