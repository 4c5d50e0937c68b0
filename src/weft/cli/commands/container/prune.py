"""weft container prune"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.listing import filter_flag, force_prune
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render.pruned import Pruned, confirmed, report

_WARNING = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?"


def run(context: Context, options: Options) -> int:
    if confirmed(context, options, _WARNING):
        report(context, prune(context, grouped(options.pairs("filter"))))
    return 0


def prune(context: Context, filters: dict[str, list[str]]) -> Pruned:
    """Remove what is stopped."""
    return Pruned("Deleted Containers:", "ContainersDeleted", context.engine.containers.prune(filters))


COMMAND = Command(
    "[OPTIONS]", run, flags=(force_prune(), filter_flag('Provide filter values (e.g. "until=<timestamp>")', short=""))
)
