"""weft network ls"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.listing import filter_flag, list_format
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render.listing import listing
from weft.cli.render.moment import natural_key
from weft.cli.render.network import DEFAULT, TITLES, NetworkRow


def run(context: Context, options: Options) -> int:
    networks = context.engine.networks.list(grouped(options.pairs("filter")))
    networks.sort(key=lambda network: natural_key(str(network.get("Name", ""))))
    rows = [NetworkRow(network, shorten=not options.on("no-trunc")) for network in networks]
    quiet = "ID" if options.on("quiet") else ""
    context.print(listing(rows, TITLES, DEFAULT, layout=options.text("format"), quiet=quiet))
    return 0


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(
        switch("quiet", "Only display network IDs", short="q"),
        switch("no-trunc", "Do not truncate the output"),
        list_format(),
        filter_flag('Provide filter values (e.g. "driver=bridge")'),
    ),
)
