"""weft inspect"""

from __future__ import annotations

from collections.abc import Callable

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch, text
from weft.cli.flags.listing import inspect_format
from weft.cli.flags.parser import Options
from weft.cli.render.inspection import inspect
from weft.client.errors import EngineError
from weft.model.errors import NotFound

TYPES = ("container", "image", "network", "volume")
Fetch = Callable[[str], bytes]


def run(context: Context, options: Options) -> int:
    kind = options.text("type")
    if options.changed("type") and kind not in TYPES:
        known = '", "'.join(TYPES)
        problem = f'unknown type: "{kind}"' if kind else "type is empty"
        raise CommandFailed(f'{problem}: must be one of "{known}"')
    fetches = _fetches(context, size=options.on("size"))
    chosen = [fetches[kind]] if kind else list(fetches.values())

    def fetch(name: str) -> bytes:
        return _first(name, chosen, kind)

    return inspect(context, options.arguments, options.text("format"), fetch)


def _fetches(context: Context, *, size: bool) -> dict[str, Fetch]:
    engine = context.engine
    return {
        "container": lambda name: engine.containers.inspect_raw(name, size=size),
        "image": engine.images.inspect_raw,
        "network": engine.networks.inspect_raw,
        "volume": engine.volumes.inspect_raw,
    }


def _first(name: str, fetches: list[Fetch], kind: str) -> bytes:
    """Return the first object of that name; raises NotFound with docker's text."""
    for fetch in fetches:
        try:
            return fetch(name)
        except EngineError as error:
            if not error.not_found and not (error.status == 400 and len(fetches) > 1):
                raise  # an image's or network's name may be none of another kind: that is no error here
    raise NotFound(f"Error: No such {kind or 'object'}: {name}")


COMMAND = Command(
    "[OPTIONS] NAME|ID [NAME|ID...]",
    run,
    flags=(
        inspect_format(),
        text("type", "Only inspect objects of the given type"),
        switch("size", "Display total file sizes if the type is container", short="s"),
    ),
    least=1,
    most=ANY,
    completes=("containers",),
)
