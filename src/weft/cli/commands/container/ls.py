"""weft ps"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import number, switch
from weft.cli.flags.listing import filter_flag, list_format
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render.container import DEFAULT, TITLES, ContainerRow
from weft.cli.render.listing import listing

_IGNORED = "WARNING: Ignoring custom format, because both --format and --quiet are set."


def run(context: Context, options: Options) -> int:
    layout = options.text("format")
    quiet = options.on("quiet")
    if layout and quiet:
        context.complain(_IGNORED)
    size = options.on("size") or (bool(layout) and _asks_for_size(layout) and not quiet and not options.changed("size"))
    limit = options.number("last")
    containers = context.engine.containers.list(
        all=options.on("all"),
        limit=1 if options.on("latest") and limit == -1 else max(limit, 0),
        size=size,
        filters=grouped(options.pairs("filter")),
    )
    rows = [ContainerRow(container, shorten=not options.on("no-trunc")) for container in containers]
    columns = (*DEFAULT, "Size") if size else DEFAULT
    context.print(listing(rows, TITLES, columns, layout="" if quiet else layout, quiet="ID" if quiet else ""))
    return 0


def _asks_for_size(layout: str) -> bool:
    """Check the template on an empty container, and see whether it used the size, which costs the daemon work."""
    if layout in ("table", "json"):
        return False
    from weft.cli.template.errors import TemplateError
    from weft.cli.template.template import Template

    probe = ContainerRow({})
    try:
        template = Template(layout)
    except TemplateError as error:
        raise CommandFailed(f"failed to parse template: {error}") from error
    try:
        template.execute(probe)
    except TemplateError as error:
        raise CommandFailed(f"failed to execute template: {error}") from error
    return probe.sized


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(
        switch("quiet", "Only display container IDs", short="q"),
        switch("size", "Display total file sizes", short="s"),
        switch("all", "Show all containers (default shows just running)", short="a"),
        switch("no-trunc", "Don't truncate output"),
        switch("latest", "Show the latest created container (includes all states)", short="l"),
        number("last", "Show n last created containers (includes all states)", short="n", default=-1),
        list_format(),
        filter_flag(),
    ),
)
