"""Control groups of containers: version 2, version 1, and both side by side (cgroups(7))."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from weft.engine.contract.usage import Usage
from weft.model.errors import InvalidParameter, SystemFailure
from weft.runtime.usage import usage

MOUNT: Final = Path("/sys/fs/cgroup")
DEFAULT_PARENT: Final = "/weft"


@dataclass(frozen=True, slots=True)
class RealTime:
    """How much real-time scheduling parents of containers' cgroups have, in microseconds; 0 leaves it as it is."""

    period: int = 0
    runtime: int = 0


class Cgroups:
    """The cgroup hierarchies of this host, observed once."""

    def __init__(self, mount: Path = MOUNT, *, realtime: RealTime = RealTime()) -> None:
        self._realtime = realtime
        self._expediting = threading.Lock()
        self.version: Final = 2 if (mount / "cgroup.controllers").exists() else 1
        if self.version == 2:
            self._hierarchies: tuple[Path, ...] = (mount,)
            self.controllers = frozenset((mount / "cgroup.controllers").read_text().split())
        else:
            self._hierarchies = tuple(sorted(path for path in mount.iterdir() if _is_hierarchy(path)))
            self.controllers = frozenset(
                path.name for path in self._hierarchies if path.name not in ("systemd", "unified")
            )

    @property
    def usual_namespace(self) -> str:
        """The cgroup namespace of containers for which nobody said any: private, or the host's, as Docker has it."""
        return "private" if self.version == 2 else "host"

    @property
    def limits_swap(self) -> bool:
        """Whether memory and swap together can be limited."""
        if self.version == 2:
            (mount,) = self._hierarchies
            if groups := list(mount.glob("*/memory.max")):
                return any(path.with_name("memory.swap.max").exists() for path in groups)
            # no group counts memory yet, as after the machine's start; each will limit swap if the kernel has any
            return Path("/proc/swaps").exists()
        return (MOUNT / "memory/memory.memsw.limit_in_bytes").exists()

    def path_of(self, parent: str, container_id: str) -> str:
        """Return a container's cgroup path, from the root of every hierarchy.

        InvalidParameter for a parent that leads outside.
        """
        if ".." in PurePosixPath(parent).parts:
            raise InvalidParameter(f'invalid cgroup parent "{parent}": it must not contain ".."')
        return str(PurePosixPath("/") / (parent or DEFAULT_PARENT).lstrip("/") / container_id)

    def lend_realtime(self, path: str) -> None:
        """Give what lies above a container's cgroup its share of real time (cgroup version 1, the controller cpu).

        SystemFailure where the kernel refuses it.
        """
        shares = (("period", self._realtime.period), ("runtime", self._realtime.runtime))
        if self.version == 2 or not any(share for _, share in shares):
            return
        for parent in reversed(PurePosixPath(path.lstrip("/")).parents[:-1]):
            directory = MOUNT / "cpu" / parent
            try:
                directory.mkdir(exist_ok=True)
                for name, share in shares:
                    if share:
                        (directory / f"cpu.rt_{name}_us").write_text(str(share))
            except OSError as error:
                raise SystemFailure(
                    f"the real-time share of cgroup /{parent} cannot be set: {error.strerror}; "
                    "see the daemon's options cpu-rt-period and cpu-rt-runtime"
                ) from error

    def processes(self, path: str) -> tuple[int, ...]:
        """Return the pids in a cgroup and those below it, ascending; none when it does not exist."""
        base = self._tracking(path)
        pids: set[int] = set()
        for directory, _, files in os.walk(base):
            if "cgroup.procs" in files:
                with contextlib.suppress(OSError):
                    pids.update(int(line) for line in (Path(directory) / "cgroup.procs").read_text().split())
        return tuple(sorted(pids))

    def usage(self, path: str) -> Usage:
        """Return what a cgroup counts; blocks a moment."""
        return usage(MOUNT, self.version, path)

    def contains(self, path: str, pid: int) -> bool:
        """Whether a process is in that cgroup or below."""
        return pid in self.processes(path)

    def kill(self, path: str) -> None:
        """Send SIGKILL to every process of a cgroup, paused ones included."""
        base = self._tracking(path)
        with contextlib.suppress(OSError):
            (base / "cgroup.kill").write_text("1")
            return
        for pid in self.processes(path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.thaw(path)  # a frozen process of version 1 dies only when it is thawed

    def thaw(self, path: str) -> None:
        """Let a frozen version 1 cgroup go on; version 2 needs none of it before a kill."""
        if self.version == 1:
            with contextlib.suppress(OSError):
                (MOUNT / "freezer" / path.lstrip("/") / "freezer.state").write_text("THAWED")

    def remove(self, path: str) -> None:
        """Remove a cgroup from every hierarchy; OSError (EBUSY) while it has processes."""
        for directory in self._directories(path):
            for below, _, _ in os.walk(directory, topdown=False):
                with contextlib.suppress(FileNotFoundError):
                    os.rmdir(below)

    def expedite(self) -> None:
        """Spare the next process that enters a cgroup the wait for the kernel to get ready for it.

        Moving a process takes a lock whose first writer after a quiet time waits for a grace period (10 ms and more);
        others within that period do not. So write this process into the cgroup that it is in: nothing moves, and
        the wait passes while the container is being prepared.
        """
        if self._expediting.acquire(blocking=False):
            try:
                (self._own_directory() / "cgroup.procs").write_text("0")
            except OSError:  # only slower
                return
            finally:
                self._expediting.release()

    def _own_directory(self) -> Path:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == ("" if self.version == 2 else "name=systemd"):
                return (MOUNT if self.version == 2 else MOUNT / "systemd") / path.lstrip("/")
        raise FileNotFoundError("/proc/self/cgroup")

    def remove_default_parent(self) -> None:
        """Remove the default parent when no container of any daemon is in it."""
        with contextlib.suppress(OSError):
            for directory in self._directories(DEFAULT_PARENT):
                directory.rmdir()

    def oom_kills(self, path: str) -> int:
        """Return how many processes the kernel killed for want of memory; 0 when the cgroup is gone."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        base = MOUNT if self.version == 2 else MOUNT / "memory"
        with contextlib.suppress(OSError):
            for line in (base / path.lstrip("/") / name).read_text().splitlines():
                key, _, value = line.partition(" ")
                if key == "oom_kill":
                    return int(value)
        return 0

    def _tracking(self, path: str) -> Path:
        """The directory in the hierarchy that the processes are counted in."""
        if self.version == 2:
            return MOUNT / path.lstrip("/")
        preferred = next((name for name in ("pids", "memory", "systemd") if (MOUNT / name).is_dir()), "")
        return MOUNT / preferred / path.lstrip("/")

    def _directories(self, path: str) -> Iterator[Path]:
        for hierarchy in self._hierarchies:
            directory = hierarchy / path.lstrip("/")
            if directory.is_dir():
                yield directory


def _is_hierarchy(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and (path / "cgroup.procs").exists()
