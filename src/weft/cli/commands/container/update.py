"""weft update"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.commands.container.creation.resources import limit_flags, limits
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import text
from weft.cli.flags.limit import parse_restart
from weft.cli.flags.parser import Options
from weft.cli.render.fields import texts
from weft.client.session import Json


def run(context: Context, options: Options) -> int:
    if not any(options.changed(flag.name) for flag in COMMAND.flags):
        raise CommandFailed("you must provide one or more flags when using this command")
    document: Json = {key: value for key, value in limits(options).items() if value}
    if options.changed("restart"):
        try:
            document["RestartPolicy"] = parse_restart(options.text("restart"))
        except ValueError as error:
            raise CommandFailed(str(error)) from error
    warnings: list[str] = []
    status = context.each(
        options.arguments,
        lambda name: warnings.extend(texts(context.engine.containers.update(name, document), "Warnings")),
    )
    for warning in warnings:
        context.complain(warning)
    return status


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    run,
    flags=(
        *limit_flags("Swap limit equal to memory plus swap: -1 to enable unlimited swap", "the CPU real-time"),
        text("restart", "Restart policy to apply when a container exits"),
    ),
    least=1,
    most=ANY,
    completes=("containers",),
)
