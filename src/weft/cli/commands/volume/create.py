"""weft volume create"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import many, refused, text
from weft.cli.flags.pairs import mapping, parse_label, parse_pair
from weft.cli.flags.parser import Options

_BOTH_NAMES = "conflicting options: cannot specify a volume-name through both --name and as a positional arg"
_CLUSTER = (
    *("availability", "group", "limit-bytes", "required-bytes", "scope", "secret", "sharing", "type"),
    *("topology-preferred", "topology-required"),
)


def run(context: Context, options: Options) -> int:
    name = options.text("name")
    if options.arguments:
        if name:
            raise CommandFailed(_BOTH_NAMES)
        name = options.arguments[0]
    volume = context.engine.volumes.create(
        name,
        driver=options.text("driver"),
        options=dict(options.pairs("opt")),
        labels=mapping(options.texts("label")),
    )
    context.print(f"{volume.get('Name', '')}\n")
    return 0


COMMAND = Command(
    "[OPTIONS] [VOLUME]",
    run,
    flags=(
        text("driver", "Specify volume driver name", short="d", default="local"),
        text("name", "Specify volume name", hidden=True),
        many("opt", "Set driver specific options", short="o", kind="map", parse=parse_pair, default_text="map[]"),
        many("label", "Set metadata for a volume", parse=parse_label),
        *(refused(name) for name in _CLUSTER),
    ),
    most=1,
)
