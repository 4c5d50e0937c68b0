"""weft volume ls"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.flag import refused, switch
from weft.cli.flags.listing import filter_flag, list_format
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render.listing import listing
from weft.cli.render.moment import natural_key
from weft.cli.render.volume import DEFAULT, TITLES, VolumeRow


def run(context: Context, options: Options) -> int:
    volumes = context.engine.volumes.list(grouped(options.pairs("filter")))
    volumes.sort(key=lambda volume: natural_key(str(volume.get("Name", ""))))
    rows = [VolumeRow(volume) for volume in volumes]
    quiet = "Name" if options.on("quiet") else ""
    context.print(listing(rows, TITLES, DEFAULT, layout=options.text("format"), quiet=quiet))
    return 0


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(
        switch("quiet", "Only display volume names", short="q"),
        list_format(),
        filter_flag('Provide filter values (e.g. "dangling=true")'),
        refused("cluster", takes_value=False),
    ),
)
