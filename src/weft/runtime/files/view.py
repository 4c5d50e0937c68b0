"""Views of containers' file systems: the root with volumes and bind mounts at their places, mounted nowhere.

A view is made in a mount namespace that lives for a moment, of copies of mounts that stay for as long as their
descriptors are open: nobody else sees them, and a daemon that is killed leaves none. Symbolic links of the container
lead nowhere else, since every path is opened from the view's root (openat2(2), RESOLVE_IN_ROOT).
"""

import asyncio
import contextlib
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, TypeVar

from weft.engine.contract.runtime import Bundle
from weft.model.container import ContainerRecord, Mount, MountType
from weft.model.errors import SystemFailure
from weft.model.ids import short_id
from weft.runtime import syscalls
from weft.runtime.files.places import make_place
from weft.runtime.layout import Layout
from weft.runtime.overlay import LayerPaths, mount_layers
from weft.runtime.staging import open_part, place_of

_T = TypeVar("_T")
_PATH: Final = os.O_PATH | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Shown:
    """A file or directory of the host that the container sees at `target`."""

    source: str
    target: str
    read_only: bool = False


@dataclass(slots=True)
class View:
    """Descriptors of mounts: `tree` is what the container sees, `bare` its root alone, without what is mounted in it.

    `tree` is -1 where nobody wanted it: its mounts may need places in the root to be made. `spare` is one more of the
    root, for the container's next start: two mounts of one writable layer must not be.
    """

    tree: int
    bare: int
    spare: int
    users: int = 0

    def close(self) -> None:
        """Let go of all; what was not attached anywhere is unmounted by that."""
        _close_all(self.take_all())

    def take_all(self) -> tuple[int, ...]:
        """Return the descriptors, to be closed by the caller."""
        descriptors = (self.tree, self.bare, self.spare)
        self.tree = self.bare = self.spare = -1
        return descriptors


class Views:
    """One view a container, shared by all who look at it at the same time.

    A container's `acquire`, start and end must not overlap: its lock in the engine sees to that.
    """

    def __init__(self, layout: Layout, layer_paths: LayerPaths) -> None:
        self._layout = layout
        self._layer_paths = layer_paths
        self._open: dict[str, View] = {}
        self._lock = threading.Lock()  # starts and ends take and keep spares in threads, while views are given back

    async def acquire(self, bundle: Bundle, *, whole: bool) -> View:
        """Return the container's view, to be given back with `release`, with its `tree` if `whole`.

        Raises SystemFailure with the reason.
        """
        container_id = bundle.record.id
        view = self._open.get(container_id)
        if view is None:
            view = self._open[container_id] = await _alone(lambda: self._make(bundle, whole=whole), View.close)
        view.users += 1
        try:
            if whole and view.tree == -1:
                await self._complete(bundle, view)
        except BaseException:
            await self.release(container_id, view)
            raise
        return view

    async def _complete(self, bundle: Bundle, view: View) -> None:
        spare = self.take_spare(bundle.record.id)
        try:
            made = await _alone(lambda: self._make(bundle, whole=True, spare=spare), View.close)
        finally:
            if spare != -1:
                os.close(spare)
        view.tree, view.spare = made.tree, made.spare
        os.close(made.bare)

    async def release(self, container_id: str, view: View) -> None:
        """Give it back; the last one unmounts it."""
        view.users -= 1
        if view.users == 0:
            with self._lock:
                del self._open[container_id]
                descriptors = view.take_all()
            await asyncio.shield(asyncio.to_thread(_close_all, descriptors))

    @contextlib.asynccontextmanager
    async def below(self, record: ContainerRecord) -> AsyncIterator[int]:
        """Show what lies under a container's writable layer: a descriptor of its root, read-only."""
        descriptor = await _alone(lambda: self._merged(record), os.close)
        try:
            yield descriptor
        finally:
            await asyncio.shield(asyncio.to_thread(os.close, descriptor))

    def take_spare(self, container_id: str) -> int:
        """Return a mount of the root for a start of the container, which owns it; -1 where nobody looks at it."""
        with self._lock:
            view = self._open.get(container_id)
            if view is None:
                return -1
            spare, view.spare = view.spare, -1
            return spare

    def keep_spare(self, container_id: str) -> None:
        """Before the root of a run goes: keep it for the next one, if somebody still looks at it."""
        root = self._layout.root(container_id)
        with self._lock:
            view = self._open.get(container_id)
            if view is not None and view.spare == -1 and os.path.ismount(root):
                view.spare = syscalls.copy_mount(root)

    def _make(self, bundle: Bundle, *, whole: bool, spare: int = -1) -> View:
        """`spare` is used up: a mount of the root that is there already."""
        record, place = bundle.record, self._layout.roots
        root = self._layout.root(record.id)
        with _failures(record), contextlib.ExitStack() as opened:
            there = _kept(opened, syscalls.copy_mount(root)) if os.path.ismount(root) else spare
            wanted = _shown(bundle, self._layout, opened) if whole else []
            shown = [(each, _kept(opened, syscalls.copy_mount(each.source, recursive=True))) for each in wanted]
            _leave()
            if there == -1:
                upper, work = self._layout.upper(record.id), self._layout.work(record.id)
                mount_layers(self._layer_paths(record.layers), place, f",upperdir={upper},workdir={work}")
            else:
                syscalls.change_mounts(there, propagation=syscalls.MS_PRIVATE)
                syscalls.attach_mount(there, place)
            top = _kept(opened, os.open(place, _PATH))
            bare = syscalls.copy_mount(place)
            undone = contextlib.ExitStack()
            with undone:
                _kept(undone, bare)
                kept = _kept(undone, syscalls.copy_mount(place))
                for each, copy in shown:
                    target = _kept(opened, make_place(top, each.target, directory=_is_directory(copy)))
                    syscalls.change_mounts(copy, read_only=each.read_only, propagation=syscalls.MS_PRIVATE)
                    syscalls.attach_mount_at(copy, target)
                tree = syscalls.copy_mount(place, recursive=True) if whole else -1
                undone.pop_all()
            return View(tree, bare, kept)

    def _merged(self, record: ContainerRecord) -> int:
        with _failures(record):
            _leave()
            mount_layers(self._layer_paths(record.layers), self._layout.roots)
            return syscalls.copy_mount(self._layout.roots)


def _shown(bundle: Bundle, layout: Layout, opened: contextlib.ExitStack) -> list[_Shown]:
    """Return what is bound into the container; tmpfs mounts are the running container's own."""
    users = [
        _Shown(source, mount.target, mount.read_only)
        for number, mount in enumerate(bundle.mounts)
        if (source := _source(bundle.record.id, number, mount, layout, opened))
    ]
    taken = {each.target for each in users}
    files = (
        (bundle.resolv_conf_path, "/etc/resolv.conf"),
        (bundle.hostname_path, "/etc/hostname"),
        (bundle.hosts_path, "/etc/hosts"),
    )
    users += [
        _Shown(source, target)
        for source, target in files
        if source and target not in taken and os.path.exists(source)  # they come with the first start
    ]
    return sorted(users, key=lambda each: len(PurePosixPath(each.target).parts))


def _source(container_id: str, number: int, mount: Mount, layout: Layout, opened: contextlib.ExitStack) -> str:
    """Return what is bound, "" for nothing: images are mounted while the container runs."""
    staged = place_of(layout, container_id, number)
    if staged.exists():
        return str(staged)
    if mount.type in (MountType.TMPFS, MountType.IMAGE) or not os.path.lexists(mount.source):
        return ""
    if not mount.subpath:
        return mount.source
    return f"/proc/self/fd/{_kept(opened, open_part(mount.source, mount.subpath))}"


def _leave() -> None:
    """Put the calling thread, which must end soon, into a mount namespace of its own."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)


def _close_all(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        if descriptor != -1:
            os.close(descriptor)


def _kept(stack: contextlib.ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _is_directory(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


@contextlib.contextmanager
def _failures(record: ContainerRecord) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        raise SystemFailure(f"the files of container {short_id(record.id)} cannot be opened: {reason}") from error


async def _alone(work: Callable[[], _T], undo: Callable[[_T], object]) -> _T:
    """Do the work in a thread that ends with it; `undo` is called with its result if nobody waits for that any more."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="view")
    future = asyncio.get_running_loop().run_in_executor(pool, work)
    pool.shutdown(wait=False)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        if future.exception() is None:
            undo(future.result())
        raise
