"""weft volume prune"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch
from weft.cli.flags.listing import filter_flag, force_prune
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render.pruned import Pruned, confirmed, report

_ANONYMOUS = "WARNING! This will remove anonymous local volumes not used by at least one container.\n"
_ALL = "WARNING! This will remove all local volumes not used by at least one container.\n"
_QUESTION = "Are you sure you want to continue?"
ALL_FILTER = (1, 42)  # API version from which named volumes stay unless asked for


def run(context: Context, options: Options) -> int:
    filters = grouped(options.pairs("filter"))
    everything = options.on("all")
    warning = _ALL if everything else _ANONYMOUS
    if context.engine.session.version < ALL_FILTER:
        warning = _ALL
    elif everything:
        if "all" in filters:
            raise CommandFailed("conflicting options: cannot specify both --all and --filter all=1")
        filters["all"] = ["true"]
    if confirmed(context, options, warning + _QUESTION):
        report(context, prune(context, filters))
    return 0


def prune(context: Context, filters: dict[str, list[str]]) -> Pruned:
    """Remove what no container uses."""
    return Pruned("Deleted Volumes:", "VolumesDeleted", context.engine.volumes.prune(filters))


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(
        switch("all", "Remove all unused volumes, not just anonymous ones", short="a"),
        force_prune(),
        filter_flag('Provide filter values (e.g. "label=<label>")', short=""),
    ),
)
