"""A thread that starts processes in a mount namespace that suits the OCI runtime.

The runtime copies the table of mounts, and reads it whole, for each container: so the thread's namespace has neither
the root file systems nor the pinned namespaces of all the others, only what is being created.

crun refuses hybrid cgroups (v1 controllers beside a v2 hierarchy at /sys/fs/cgroup/unified) when a controller lives in
the v2 hierarchy: the thread's namespace is without that one. Everything else stays a peer of the daemon's namespace,
so what is mounted below shared mount points shows on both sides.
"""

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from weft.runtime import hybrid, syscalls
from weft.runtime.layout import Layout
from weft.runtime.overlay import mounts_below

_ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
# dispositions that Python sets to "ignore" and that everything in every container would inherit
_DEFAULT_SIGNALS: Final = (signal.SIGPIPE, signal.SIGXFSZ)


class Spawner:
    """Starts processes, one at a time, from a thread with its own working directory and mount namespace."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="weft-spawner")
        self._hybrid = hybrid.is_hybrid()
        self._host_namespace = -1
        self._null = -1

    async def open(self) -> None:
        """Start the thread and set up its namespace; OSError when the kernel refuses."""
        self._host_namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        await asyncio.get_running_loop().run_in_executor(self._executor, self._enter)

    async def close(self) -> None:
        """End the thread; what it started goes on."""
        await asyncio.to_thread(self._executor.shutdown)
        os.close(self._host_namespace)
        os.close(self._null)

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        directory: Path,
        keep: Sequence[int] = (),
        output: int | None = None,
        error: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Start a program in its own session and return its pid, to be reaped by the caller.

        `keep` are descriptors that it inherits under their numbers; what is not given of stdio is /dev/null.
        """

        def start() -> int:
            os.chdir(directory)  # the thread's alone: it does not share its fs struct
            return os.posix_spawn(
                argv[0],
                list(argv),
                {**_ENVIRONMENT, **(environment or {})},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, self._null, 0),
                    (os.POSIX_SPAWN_DUP2, self._null if output is None else output, 1),
                    (os.POSIX_SPAWN_DUP2, self._null if error is None else error, 2),
                    *((os.POSIX_SPAWN_DUP2, descriptor, descriptor) for descriptor in keep),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=_DEFAULT_SIGNALS,
            )

        return await asyncio.get_running_loop().run_in_executor(self._executor, start)

    @contextlib.asynccontextmanager
    async def showing(self, root: Path, others: Sequence[Path] = ()) -> AsyncIterator[None]:
        """Have a root file system, and what is mounted on other points, in the thread's namespace meanwhile.

        OSError when the kernel refuses.
        """
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            for point in (root, *others):
                copy = syscalls.copy_mount(point, recursive=point is not root)
                try:
                    if point is not root:  # or what lies below would be unmounted there too when the copy goes
                        syscalls.change_mounts(copy, propagation=syscalls.MS_SLAVE)
                    await loop.run_in_executor(self._executor, syscalls.attach_mount, copy, point)
                finally:
                    os.close(copy)
                stack.push_async_callback(self._take_away, point)
            yield

    async def _take_away(self, point: Path) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, _take_away, point)

    async def ensure_same_view(self, paths: Sequence[str]) -> None:
        """Take a new copy of the daemon's mounts if one of `paths` is another file in the thread's namespace.

        A host whose root is mounted private does not pass on what is mounted later.
        """
        if paths:
            identities = {path: _identity(path) for path in paths}
            await asyncio.get_running_loop().run_in_executor(self._executor, self._renew, identities)

    def _renew(self, identities: Mapping[str, tuple[int, int] | None]) -> None:
        if any(_identity(path) != identity for path, identity in identities.items()):
            syscalls.setns(self._host_namespace, syscalls.CLONE_NEWNS)
            self._enter()

    def _enter(self) -> None:
        syscalls.unshare(syscalls.CLONE_NEWNS)
        _empty(mounts_below(self._layout.exec_root.resolve()))
        if self._hybrid:
            hybrid.leave_out_unified()


def _empty(points: Sequence[Path]) -> None:
    """Unmount what is mounted on one of these mount points, in this namespace alone; they themselves stay."""
    visible = [point for point in points if _made_private(point)]
    for point in reversed(visible):
        # one that lies on none of them lies on what the host shares, and would go there as well
        if not set(visible).isdisjoint(point.parents):
            syscalls.unmount(point, syscalls.MNT_DETACH)


def _made_private(point: Path) -> bool:
    """Make a mount point private; False where another mount, higher up, hides it: the table lists those as well."""
    try:
        syscalls.mount("", point, flags=syscalls.MS_PRIVATE)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
            return False
        raise
    return True


def _take_away(root: Path) -> None:
    # after a renewal of the namespace it is not there: then it goes with the former one
    with contextlib.suppress(OSError):
        syscalls.unmount(root, syscalls.MNT_DETACH)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
