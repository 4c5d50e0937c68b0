"""weft events"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.duration import parse_moment
from weft.cli.flags.flag import text
from weft.cli.flags.listing import filter_flag, inspect_format
from weft.cli.flags.pairs import grouped
from weft.cli.flags.parser import Options
from weft.cli.render.fields import inner, labels, number
from weft.cli.render.fields import text as field
from weft.cli.render.human import rfc3339

TEMPLATE_STATUS = 64
Event = Mapping[str, object]


def run(context: Context, options: Options) -> int:
    render = _renderer(options.text("format"))
    now = time.time()
    try:
        since, until = (parse_moment(options.text(name), now) for name in ("since", "until"))
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    for event in context.engine.system.events(since=since, until=until, filters=grouped(options.pairs("filter"))):
        if isinstance(event, dict):
            context.print(render(event) + "\n")
    return 0


def _renderer(layout: str) -> Callable[[Event], str]:
    if not layout:
        return line
    from weft.cli.template.errors import TemplateError
    from weft.cli.template.functions import to_json
    from weft.cli.template.template import Template
    from weft.cli.template.values import mark_free

    if layout == "json":
        return to_json
    try:
        template = Template(layout)
    except TemplateError as error:
        raise CommandFailed(f"Error parsing format: {error}", TEMPLATE_STATUS) from error

    def render(event: Event) -> str:
        try:
            return template.execute(mark_free(dict(event)))
        except TemplateError as error:
            raise CommandFailed(str(error)) from error

    return render


def line(event: Event) -> str:
    """Return one event as docker prints it: time, type, action, id, attributes."""
    actor = inner(event, "Actor")
    seconds, nanoseconds = number(event, "time"), number(event, "timeNano")
    if nanoseconds:
        seconds, nanoseconds = divmod(nanoseconds, 10**9)
    attributes = labels(actor, "Attributes")
    shown = ", ".join(f"{key}={attributes[key]}" for key in sorted(attributes))
    words = [rfc3339(seconds, nanoseconds), field(event, "Type"), field(event, "Action"), field(actor, "ID")]
    return " ".join(words) + (f" ({shown})" if shown else "")


COMMAND = Command(
    "[OPTIONS]",
    run,
    flags=(
        text("since", "Show all events created since timestamp"),
        text("until", "Stream events until this timestamp"),
        filter_flag(),
        inspect_format(short=""),
    ),
)
