"""weft stats"""

from __future__ import annotations

import time
from collections.abc import Iterator

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.listing import list_format
from weft.cli.flags.parser import Options
from weft.cli.render.listing import listing
from weft.cli.render.stats import DEFAULT, TITLES, StatsRow
from weft.client.errors import EngineError
from weft.client.session import Json

_PERIOD = 1.0  # seconds
_HOME, _END_OF_LINE, _BELOW = "\033[H", "\033[K", "\033[J"


def run(context: Context, options: Options) -> int:
    if options.arguments:
        for reference in options.arguments:
            context.engine.containers.inspect(reference)  # what is not there is an error, later only gone
    frames = _frames(context, options)
    if options.on("no-stream"):
        next(frames)
        context.print(next(frames))
        return 0
    in_place = options.text("format") in ("", "table") or options.text("format").startswith("table ")
    for frame in frames:
        context.print(_HOME + frame.replace("\n", _END_OF_LINE + "\n") + _BELOW if in_place else frame)
        if options.arguments and frame.count("\n") == in_place:
            break  # all that were named are gone
    return 0


def _frames(context: Context, options: Options) -> Iterator[str]:
    """Yield the list as it is, once a period; the first has no difference to show yet."""
    former: dict[str, Json] = {}
    while True:
        taken = {reference: stats for reference in _references(context, options) if (stats := _one(context, reference))}
        shorten = not options.on("no-trunc")
        rows = [StatsRow(name, stats, former.get(name, {}), shorten=shorten) for name, stats in taken.items()]
        yield listing(rows, TITLES, DEFAULT, layout=options.text("format"))
        former = taken
        time.sleep(_PERIOD)


def _references(context: Context, options: Options) -> list[str]:
    if options.arguments:
        return options.arguments
    return [str(each["Id"]) for each in context.engine.containers.list(all=options.on("all"))]


def _one(context: Context, reference: str) -> Json:
    try:
        return context.engine.containers.stats(reference)
    except EngineError:  # removed meanwhile
        return {}


COMMAND = Command(
    "[OPTIONS] [CONTAINER...]",
    run,
    most=ANY,
    completes=("containers",),
    flags=(
        switch("all", "Show all containers (default shows just running)", short="a"),
        list_format(),
        switch("no-stream", "Disable streaming stats and only pull the first result"),
        switch("no-trunc", "Do not truncate output"),
    ),
)
