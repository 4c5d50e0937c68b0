"""weft history"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.flag import refused, switch
from weft.cli.flags.listing import list_format
from weft.cli.flags.parser import Options
from weft.cli.render.image import HISTORY, HISTORY_TITLES, HistoryRow
from weft.cli.render.listing import listing


def run(context: Context, options: Options) -> int:
    readable = options.on("human")
    rows = [
        HistoryRow(item, shorten=not options.on("no-trunc"), readable=readable)
        for item in context.engine.images.history(options.arguments[0])
    ]
    columns = HISTORY if readable else tuple("CreatedAt" if name == "CreatedSince" else name for name in HISTORY)
    quiet = "ID" if options.on("quiet") else ""
    context.print(listing(rows, HISTORY_TITLES, columns, layout=options.text("format"), quiet=quiet))
    return 0


COMMAND = Command(
    "[OPTIONS] IMAGE",
    run,
    flags=(
        switch("human", "Print sizes and dates in human readable format", short="H", default=True),
        switch("quiet", "Only show image IDs", short="q"),
        switch("no-trunc", "Don't truncate output"),
        list_format(),
        refused("platform"),
    ),
    least=1,
    most=1,
    completes=("images",),
)
