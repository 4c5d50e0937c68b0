"""weft images"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.flag import refused, switch
from weft.cli.flags.listing import filter_flag, list_format
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render.image import DEFAULT, TITLES, WITH_DIGESTS, image_rows
from weft.cli.render.listing import listing


def run(context: Context, options: Options) -> int:
    filters = grouped(options.pairs("filter"))
    if options.arguments:
        filters.setdefault("reference", []).append(options.arguments[0])
    images = context.engine.images.list(all=options.on("all"), filters=filters)
    digests = options.on("digests")
    layout = options.text("format")
    rows = image_rows(
        images,
        digests=digests or "{{.Digest}}" in layout,
        by_digest=digests,
        shorten=not options.on("no-trunc"),
    )
    if layout.startswith("table ") and digests and "{{.Digest}}" not in layout:
        layout += "\t{{.Digest}}"
    quiet = "ID" if options.on("quiet") else ""
    columns = WITH_DIGESTS if digests else DEFAULT
    context.print(listing(rows, TITLES, columns, layout=layout, quiet=quiet))
    return 0


COMMAND = Command(
    "[OPTIONS] [REPOSITORY[:TAG]]",
    run,
    flags=(
        switch("quiet", "Only show image IDs", short="q"),
        switch("all", "Show all images (default hides intermediate images)", short="a"),
        switch("no-trunc", "Don't truncate output"),
        switch("digests", "Show digests"),
        list_format(),
        filter_flag(),
        refused("tree", takes_value=False),
    ),
    most=1,
    completes=("images",),
)
