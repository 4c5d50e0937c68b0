"""weft image prune"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.listing import filter_flag, force_prune
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render.pruned import Pruned, confirmed, report

_DANGLING = "WARNING! This will remove all dangling images.\nAre you sure you want to continue?"
_ALL = (
    "WARNING! This will remove all images without at least one container associated to them.\n"
    "Are you sure you want to continue?"
)


def run(context: Context, options: Options) -> int:
    everything = options.on("all")
    if confirmed(context, options, _ALL if everything else _DANGLING):
        report(context, prune(context, grouped(options.pairs("filter")), everything=everything))
    return 0


def prune(context: Context, filters: dict[str, list[str]], *, everything: bool) -> Pruned:
    """Remove images without a name, or all that no container uses."""
    filters = {**filters, "dangling": ["false" if everything else "true"]}
    return Pruned("Deleted Images:", "ImagesDeleted", context.engine.images.prune(filters))


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(
        switch("all", "Remove all unused images, not just dangling ones", short="a"),
        force_prune(),
        filter_flag('Provide filter values (e.g. "until=<timestamp>")', short=""),
    ),
)
