"""Making sure that nothing of a container runs any more."""

import asyncio
import contextlib
from pathlib import Path
from typing import Final

from weft.model.errors import SystemFailure
from weft.runtime.cgroup import Cgroups
from weft.runtime.live import Live

_FIRST_PAUSE: Final = 0.001  # seconds
_LONGEST: Final = 10.0  # seconds until processes that do not die are given up


async def empty(cgroups: Cgroups, cgroup: str, live: Live | None) -> None:
    """Kill what is left in a cgroup and remove it; SystemFailure names processes that do not die."""
    if live is not None and live.process.alive:
        with contextlib.suppress(ProcessLookupError):
            live.process.kill(9)
    pause = _FIRST_PAUSE
    waited = 0.0
    while True:
        try:
            cgroups.remove(cgroup)
            return
        except OSError as error:  # busy
            if waited > _LONGEST:
                pids = ", ".join(map(str, cgroups.processes(cgroup))) or "none"
                raise SystemFailure(
                    f"cgroup {cgroup} cannot be removed: {error.strerror}; its processes: {pids}"
                ) from error
        cgroups.kill(cgroup)
        await asyncio.sleep(pause)
        waited += pause
        pause = min(2 * pause, 0.1)


def parent_of(pid: int) -> int:
    """Return a process's parent; ProcessLookupError when there is no such process."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError as error:
        raise ProcessLookupError(pid) from error
    return int(status.rpartition(")")[2].split()[1])
