"""weft rmi"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.flag import refused, switch
from weft.cli.flags.parser import Options
from weft.cli.render.fields import text
from weft.client.errors import EngineError


def run(context: Context, options: Options) -> int:
    errors = []
    for name in options.arguments:
        try:
            deletions = context.engine.images.remove(name, force=options.on("force"), prune=not options.on("no-prune"))
        except EngineError as error:
            errors.append(error)
            continue
        for deletion in deletions:
            deleted = text(deletion, "Deleted")
            context.print(f"Deleted: {deleted}\n" if deleted else f"Untagged: {text(deletion, 'Untagged')}\n")
    for failure in errors:
        context.complain(context.error_text(failure))
    fatal = not options.on("force") or any(not failure.not_found for failure in errors)
    return 1 if errors and fatal else 0


COMMAND = Command(
    "[OPTIONS] IMAGE [IMAGE...]",
    run,
    flags=(
        switch("force", "Force removal of the image", short="f"),
        switch("no-prune", "Do not delete untagged parents"),
        refused("platform"),
    ),
    least=1,
    most=ANY,
    completes=("images",),
)
