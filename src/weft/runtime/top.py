"""`docker top`: the host's ps, for the processes of one container."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from weft.model.errors import InvalidParameter, SystemFailure
from weft.runtime.processes import run
from weft.runtime.spawner import Spawner

_PS: Final = "/bin/ps"
_DEFAULT: Final = ("-ef",)
_RENAMED_PID: Final = re.compile(r"\s(\S*)=\s*(PID\S*)")

Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]


async def top(spawner: Spawner, pids: Collection[int], ps_args: Sequence[str]) -> Table:
    """Return ps' titles and the rows of `pids`; InvalidParameter with ps' words when it refuses the arguments."""
    arguments = tuple(word for argument in ps_args for word in argument.split()) or _DEFAULT
    _check(arguments)
    outcome = await run(spawner, [_PS, *arguments], Path("/"))
    text = outcome.output.decode(errors="replace")
    if outcome.status != 0:
        raise InvalidParameter(f"error running ps: {text.strip() or f'exit status {outcome.status}'}")
    return parse(text, pids)


def parse(output: str, pids: Collection[int]) -> Table:
    """Return titles and the rows of `pids`; the last column keeps its blanks' number as one."""
    lines = output.splitlines()
    titles = tuple(lines[0].split()) if lines else ()
    if "PID" not in titles:
        raise SystemFailure("Couldn't find PID field in ps output")
    column = titles.index("PID")
    rows = []
    for line in lines[1:]:
        fields = line.split()
        if len(fields) > column and fields[column].isdecimal() and int(fields[column]) in pids:
            last = len(titles) - 1
            rows.append((*fields[:last], " ".join(fields[last:])))
    return titles, tuple(rows)


def _check(arguments: Sequence[str]) -> None:
    # a column that only looks like the pid would show other containers' processes
    for name, title in _RENAMED_PID.findall(" " + " ".join(arguments)):
        if name != "pid":
            raise InvalidParameter(f'specifying "{name}={title}" is not allowed')
