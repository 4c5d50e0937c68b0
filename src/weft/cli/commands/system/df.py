"""weft system df"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch
from weft.cli.flags.listing import list_format
from weft.cli.flags.parser import Options
from weft.cli.render import container, human, image, volume
from weft.cli.render.disk_usage import DEFAULT, TITLES, usage_rows
from weft.cli.render.fields import items, number
from weft.cli.render.listing import listing
from weft.client.session import Json

_CONTAINERS = ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names")
_BUILD_CACHE = ("CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED")


def run(context: Context, options: Options) -> int:
    usage = context.engine.system.disk_usage()
    layout = options.text("format")
    if not options.on("verbose"):
        context.print(listing(usage_rows(usage), TITLES, DEFAULT, layout=layout))
        return 0
    if layout not in ("", "table"):
        raise CommandFailed("--format with --verbose is not supported by Weft: leave one out")
    context.print(_verbose(usage))
    return 0


def _verbose(usage: Json) -> str:
    images = [image.ImageRow(item, *image.first_name(item), image.NONE) for item in items(usage, "Images")]
    containers = [container.ContainerRow({**item, "SizeRootFs": 0}) for item in items(usage, "Containers")]
    volumes = [volume.VolumeRow(item) for item in items(usage, "Volumes")]
    cache = sum(number(item, "Size") for item in items(usage, "BuildCache") if item.get("Shared") is not True)
    from weft.cli.render.columns import align

    return (
        "Images space usage:\n\n"
        + listing(images, image.TITLES, image.DISK_USAGE)
        + "\nContainers space usage:\n\n"
        + listing(containers, container.TITLES, _CONTAINERS)
        + "\nLocal Volumes space usage:\n\n"
        + listing(volumes, volume.TITLES, volume.DISK_USAGE)
        + f"\nBuild cache usage: {human.size(cache)}\n\n"
        + align("\t".join(_BUILD_CACHE) + "\n")
    )


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(switch("verbose", "Show detailed information on space usage", short="v"), list_format()),
)
