"""Making sure that nothing of a container runs any more."""

import asyncio
import contextlib
import os
from pathlib import Path
from signal import SIGKILL
from typing import Final

from weft.model.errors import SystemFailure
from weft.runtime.cgroup import Cgroups
from weft.runtime.live import Live
from weft.runtime.processes import ended

_FIRST_PAUSE: Final = 0.001  # seconds
_WRITES_EXIT: Final = 5.0  # seconds
_LONGEST: Final = 10.0  # seconds until processes that do not die are given up


async def empty(cgroups: Cgroups, cgroup: str, live: Live | None) -> None:
    """Kill what is left in a cgroup and remove it; SystemFailure names processes that do not die."""
    if live is not None and live.process.alive:
        with contextlib.suppress(ProcessLookupError):
            live.process.kill(SIGKILL)
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


async def supervisor_gone(pid: int) -> None:
    """Wait for a supervisor whose process was killed; kill it when it does not end. 0 is none."""
    if not pid:
        return
    try:
        await asyncio.wait_for(ended(pid), _WRITES_EXIT)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)


def supervisor_of(pid: int, container_id: str) -> int:
    """Return the pid of the supervisor of a container's first process, 0 when it has none any more."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        parent = int(status.rpartition(")")[2].split()[1])
        arguments = Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return 0
    return parent if container_id.encode() in arguments else 0
