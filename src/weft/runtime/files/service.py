"""Containers' files for the engine. Implements weft.engine.contract.container_files."""

import asyncio
import contextlib
import json
import os
import posixpath
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import PurePosixPath
from typing import Final

from weft.engine.contract.container_files import ChangeKind, Extraction, FileChange, OpenFiles, PathStat
from weft.engine.contract.runtime import Bundle
from weft.model.container import Mount, MountType
from weft.model.errors import Forbidden, InvalidParameter
from weft.runtime import syscalls
from weft.runtime.files.places import resolve
from weft.runtime.files.process import feed, stream
from weft.runtime.files.view import View, Views
from weft.runtime.layout import Layout
from weft.runtime.spec import users

_DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY


class Files:
    """Opens views."""

    def __init__(self, layout: Layout, views: Views) -> None:
        self._layout = layout
        self._views = views

    async def open(self, bundle: Bundle, *, whole: bool) -> OpenFiles:
        """Open a container's files; SystemFailure with the reason."""
        return _Open(self._layout, self._views, bundle, await self._views.acquire(bundle, whole=whole))


class _Open:
    """One user of a view."""

    def __init__(self, layout: Layout, views: Views, bundle: Bundle, view: View) -> None:
        self._layout = layout
        self._views = views
        self._bundle = bundle
        self._view: View | None = view
        self._tree = view.tree
        self._bare = view.bare

    async def close(self) -> None:
        """Give the view back; a second time does nothing."""
        view, self._view = self._view, None
        if view is not None:
            await self._views.release(self._bundle.record.id, view)

    async def stat(self, path: str) -> PathStat:
        """Look a path up as lstat(2) does in the container; FileNotFoundError if it leads to nothing."""
        with _refusals(path):
            return await asyncio.to_thread(self._stat, path)

    def archive(self, path: str, stat_: PathStat) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of it."""
        directory = stat.S_ISDIR(stat_.mode)
        name = "" if stat_.name == "/" else stat_.name
        job = {"do": "pack", "root": self._tree, "path": rooted(path), "name": name, "directory": directory}
        return stream(job, (self._tree,))

    async def extract(self, path: str, archive: AsyncIterator[bytes], how: Extraction) -> None:
        """Write a tar stream into a directory: links in `path` are followed, in the container."""
        with _refusals(path):
            destination, owner = await asyncio.to_thread(self._destination, path, own=how.own)
        job = {
            "do": "extract",
            "root": self._tree,
            "path": destination,
            "keep_types": how.keep_types,
            "owner": owner,
        }
        await feed(job, (self._tree,), archive)

    def export(self) -> AsyncGenerator[bytes, None]:
        """Yield the root."""
        return stream({"do": "export", "root": self._bare}, (self._bare,))

    async def difference(self) -> AsyncGenerator[bytes, None]:
        """Yield the writable layer."""
        upper = os.open(self._layout.upper(self._bundle.record.id), _DIRECTORY | os.O_CLOEXEC)
        try:
            job = {"do": "difference", "upper": upper}
            async for piece in stream(job, (upper,)):
                yield piece
        finally:
            os.close(upper)

    async def changes(self) -> tuple[FileChange, ...]:
        """Compare the writable layer with those below."""
        record = self._bundle.record
        upper = os.open(self._layout.upper(record.id), _DIRECTORY | os.O_CLOEXEC)
        try:
            async with self._views.below(record) as below:
                job = {"do": "changes", "upper": upper, "below": below}
                answer = b"".join([piece async for piece in stream(job, (upper, below))])
        finally:
            os.close(upper)
        return tuple(FileChange(ChangeKind(kind), path) for kind, path in json.loads(answer))

    def _stat(self, path: str) -> PathStat:
        descriptor = syscalls.open_in_root(self._tree, rooted(path), os.O_PATH | os.O_NOFOLLOW)
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        target = resolve(self._tree, path, missing=True) if stat.S_ISLNK(status.st_mode) else ""
        return PathStat(
            name=base_name(path),
            size=status.st_size,
            mode=status.st_mode,
            mtime=status.st_mtime_ns,
            link_target=target,
        )

    def _destination(self, path: str, *, own: bool) -> tuple[str, tuple[int, int] | None]:
        """Return the directory without links, and who is to own what is written; raises Docker's refusals."""
        resolved = resolve(self._tree, path)
        descriptor = syscalls.open_in_root(self._tree, resolved, os.O_PATH | os.O_NOFOLLOW)
        try:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise InvalidParameter("extraction point is not a directory")
        finally:
            os.close(descriptor)
        self._check_writable(resolved)
        user = self._bundle.record.spec.process.user
        if not own or not user:
            return resolved, None
        account = users.resolve(self._tree, user)
        return resolved, (account.uid, account.gid)

    def _check_writable(self, path: str) -> None:
        mount = _mount_of(self._bundle.mounts, path)
        if mount is not None and mount.read_only:
            raise Forbidden("mounted volume is marked read-only")
        if mount is None and self._bundle.record.spec.security.read_only_root:
            raise Forbidden("container rootfs is marked read-only")


def rooted(path: str) -> str:
    """Return `path` from the root, cleaned, with the `/` or `/.` at its end that asks for a directory kept."""
    cleaned = posixpath.normpath("/" + path.lstrip("/"))
    if path.endswith("/.") or path == ".":
        return f"{cleaned.rstrip('/')}/."
    return f"{cleaned.rstrip('/')}/" if path.endswith("/") else cleaned


def base_name(path: str) -> str:
    """Return the last component of a path as Go's filepath.Base has it: "." of "etc/.", "/" of the root."""
    stripped = path.rstrip("/")
    return stripped.rpartition("/")[2] if stripped else "/"


@contextlib.contextmanager
def _refusals(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:  # a file taken for a directory, links that lead round in a circle
        raise InvalidParameter(f"lstat {path}: {(error.strerror or str(error)).lower()}") from error


def _mount_of(mounts: tuple[Mount, ...], path: str) -> Mount | None:
    """Return the mount that a path without links lies on, None for the root."""
    shown = (mount for mount in mounts if mount.type is not MountType.TMPFS)
    above = [mount for mount in shown if PurePosixPath(path).is_relative_to(mount.target)]
    return max(above, key=lambda mount: len(PurePosixPath(mount.target).parts), default=None)
