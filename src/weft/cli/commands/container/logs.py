"""weft logs"""

from __future__ import annotations

import time

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.duration import parse_moment
from weft.cli.flags.flag import switch, text
from weft.cli.flags.parser import Options
from weft.cli.render.fields import flag, inner
from weft.cli.render.fields import text as field
from weft.client.streams import copy_output

_WHEN = 'timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'


def run(context: Context, options: Options) -> int:
    containers = context.engine.containers
    details = containers.inspect(options.arguments[0])
    moments = {name: _moment(options, name) for name in ("since", "until")}
    chunks = containers.logs(
        field(details, "Id"),
        follow=options.on("follow"),
        since=moments["since"],
        until=moments["until"],
        timestamps=options.on("timestamps"),
        tail=options.text("tail"),
        details=options.on("details"),
    )
    tty = flag(inner(details, "Config"), "Tty")
    copy_output(chunks, raw=tty, stdout=context.write, stderr=context.write_error)
    return 0


def _moment(options: Options, name: str) -> str:
    try:
        return parse_moment(options.text(name), time.time())
    except ValueError as error:
        raise CommandFailed(f'invalid value for "{name}": {error}') from error


COMMAND = Command(
    "[OPTIONS] CONTAINER",
    run,
    flags=(
        switch("follow", "Follow log output", short="f"),
        text("since", f"Show logs since {_WHEN}"),
        text("until", f"Show logs before a {_WHEN}"),
        switch("timestamps", "Show timestamps", short="t"),
        switch("details", "Show extra details provided to logs"),
        text("tail", "Number of lines to show from the end of the logs", short="n", default="all"),
    ),
    least=1,
    most=1,
    completes=("containers",),
)
