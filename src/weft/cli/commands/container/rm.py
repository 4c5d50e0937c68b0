"""weft rm"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.parser import Options
from weft.client.errors import EngineError
from weft.model.errors import InvalidParameter, WeftError


def run(context: Context, options: Options) -> int:
    containers = context.engine.containers
    errors: list[WeftError] = []
    for name in options.arguments:
        reference = name.strip("/")
        try:
            if not reference:
                raise InvalidParameter("container name cannot be empty")
            containers.remove(
                reference, force=options.on("force"), volumes=options.on("volumes"), link=options.on("link")
            )
        except (EngineError, InvalidParameter) as error:
            errors.append(error)
        else:
            context.print(f"{name}\n")
    for failure in errors:
        context.complain(context.error_text(failure))
    # with --force what is gone already is reported, and is no failure
    missing = all(isinstance(error, EngineError) and error.not_found for error in errors)
    return 0 if not errors or (options.on("force") and missing) else 1


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    run,
    flags=(
        switch("volumes", "Remove anonymous volumes associated with the container", short="v"),
        switch("link", "Remove the specified link", short="l"),
        switch("force", "Force the removal of a running container (uses SIGKILL)", short="f"),
    ),
    least=1,
    most=ANY,
    completes=("containers",),
)
