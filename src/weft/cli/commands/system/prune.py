"""weft system prune"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.commands.container.prune import prune as prune_containers
from weft.cli.commands.image.prune import prune as prune_images
from weft.cli.commands.network.prune import prune as prune_networks
from weft.cli.commands.volume.prune import prune as prune_volumes
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch
from weft.cli.flags.listing import filter_flag, force_prune
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render import human
from weft.cli.render.moment import natural_key
from weft.cli.render.pruned import confirmed


def run(context: Context, options: Options) -> int:
    filters = grouped(options.pairs("filter"))
    everything, volumes = options.on("all"), options.on("volumes")
    if volumes and "until" in filters:
        raise CommandFailed('ERROR: The "until" filter is not supported with "--volumes"')
    if not confirmed(context, options, _warning(filters, everything=everything, volumes=volumes)):
        return 0
    reclaimed = 0
    for pruned in (
        prune_containers(context, filters),
        prune_networks(context, filters),
        *([prune_volumes(context, filters)] if volumes else []),
        prune_images(context, filters, everything=everything),
    ):
        reclaimed += pruned.reclaimed
        if pruned.text:
            context.print(pruned.text + "\n")
    context.print(f"Total reclaimed space: {human.size(reclaimed)}\n")
    return 0


def _warning(filters: dict[str, list[str]], *, everything: bool, volumes: bool) -> str:
    lines = [
        "WARNING! This will remove:",
        "  - all stopped containers",
        "  - all networks not used by at least one container",
    ]
    if volumes:
        lines.append("  - all anonymous volumes not used by at least one container")
    images = "images without at least one container associated to them" if everything else "dangling images"
    lines.append(f"  - all {images}")
    shown = [f"{key}={value}" for key in ("label", "label!", "until") for value in filters.get(key, [])]
    if shown:
        lines += ["", "  Items to be pruned will be filtered with:"]
        lines += [f"  - {each}" for each in sorted(shown, key=natural_key)]
    return "\n".join([*lines, "", "Are you sure you want to continue?"])


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(
        switch("all", "Remove all unused images not just dangling ones", short="a"),
        switch("volumes", "Prune anonymous volumes"),
        force_prune(),
        filter_flag('Provide filter values (e.g. "label=<key>=<value>")', short=""),
    ),
)
