"""weft top"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.flags.parser import Options
from weft.cli.render.columns import align
from weft.cli.render.fields import texts


def run(context: Context, options: Options) -> int:
    name, *arguments = options.arguments
    answer = context.engine.containers.top(name, arguments)
    processes = answer.get("Processes")
    rows = [process for process in processes if isinstance(process, list)] if isinstance(processes, list) else []
    lines = [texts(answer, "Titles"), *rows]
    context.print(align("".join("\t".join(map(str, line)) + "\n" for line in lines), minimum=20, padding=3))
    return 0


COMMAND = Command("CONTAINER [ps OPTIONS]", run, least=1, most=ANY, interspersed=False, completes=("containers", ""))
