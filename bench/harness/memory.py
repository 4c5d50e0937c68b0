"""Memory of an engine's processes: proportional set size, which shares what is shared among those who share it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from rig.engine import Engine

_SUPERVISORS = ("conmon", "containerd-shim")
_DAEMONS = ("python", "weft", "dockerd", "containerd")


def pss_mib(processes: list[int]) -> float:
    """MiB of the processes together (proc(5), smaps_rollup)."""
    total = 0
    for pid in processes:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def daemons(engine: Engine) -> list[int]:
    """The daemon's own processes: with DNS for Weft, with containerd for dockerd."""
    return list(_matching(engine, lambda name: name.startswith(_DAEMONS) and not name.startswith(_SUPERVISORS)))


def supervisors(engine: Engine) -> list[int]:
    """The processes that stand over containers."""
    return list(_matching(engine, lambda name: name.startswith(_SUPERVISORS)))


def _matching(engine: Engine, wanted: Callable[[str], bool]) -> Iterator[int]:
    for pid, arguments in engine.host.processes().items():
        if arguments and wanted(Path(arguments[0]).name):
            yield pid
