"""weft volume rm"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.flag import switch
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    force = options.on("force")
    return context.each(options.arguments, lambda name: context.engine.volumes.remove(name, force=force))


COMMAND = Command(
    "[OPTIONS] VOLUME [VOLUME...]",
    run,
    flags=(switch("force", "Force the removal of one or more volumes", short="f"),),
    least=1,
    most=ANY,
    completes=("volumes",),
    long="Remove one or more volumes. You cannot remove a volume that is in use by a container.",
)
