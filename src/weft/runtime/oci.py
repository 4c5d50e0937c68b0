"""Runs containers with an OCI runtime under conmon. Implements weft.engine.contract.runtime.Runtime.

The daemon holds nothing that a successor cannot find again: exit codes are files that supervisors write, the root file
systems are mounted in the daemon's own mount namespace below a shared mount point, and a run's record lies in its bundle.
"""

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

from weft.engine.contract.runtime import (
    Bundle,
    ExecSpec,
    Exit,
    LogLine,
    LogQuery,
    OnExit,
    RuntimeInfo,
    Stdio,
)
from weft.model.container import ContainerRecord, MountType
from weft.model.errors import Conflict, NotFound, SystemFailure, Unavailable, Unimplemented
from weft.model.ids import short_id
from weft.runtime import faults, starting, syscalls, terminal
from weft.runtime.bundles import Bundles, LayerPaths
from weft.runtime.cgroup import Cgroups
from weft.runtime.conmon import Conmon, Program
from weft.runtime.exec import Execs
from weft.runtime.inotify import Inotify
from weft.runtime.layout import Layout
from weft.runtime.live import Live
from weft.runtime.log_files import rotated
from weft.runtime.logs import LogReader
from weft.runtime.overlay import ensure_shared
from weft.runtime.probe import Programs, probe
from weft.runtime.processes import ProcessWatch, run
from weft.runtime.rotation import Rotator
from weft.runtime.run_record import RunRecord, exit_in, pid_in
from weft.runtime.seccomp.filters import SeccompFilters
from weft.runtime.spawner import Spawner
from weft.runtime.spec.config import ConfigWriter
from weft.runtime.sync_pipe import Report
from weft.runtime.top import Table, top

_LOST: Final = 137  # the exit code when the supervisor was killed, and with it the container
_VANISHED: Final = 255  # … when nothing is known, as after a reboot of the host
_SUPERVISOR_WRITES: Final = 2.0  # seconds that it may take from the process's end to the exit file
_EMPTYING: Final = 5.0  # seconds that killed processes may take to leave a cgroup
