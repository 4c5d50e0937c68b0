"""What a container's writable layer changes in what lies below, as `docker diff` says it with overlay2.

Docker compares two trees; here only the writable layer is walked, which has all that can differ (overlayfs.rst).
"""

import os
import posixpath
import stat
from collections.abc import Iterator
from typing import Final

from weft.runtime import syscalls

MODIFIED, ADDED, DELETED = 0, 1, 2  # ContainerChangeItem.Kind
Change = tuple[int, str]
_OPAQUE: Final = "trusted.overlay.opaque"
_CAPABILITY: Final = "security.capability"
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class Comparison:
    """Compares the writable layer at a descriptor with the merged layers below at another."""

    def __init__(self, upper: int, below: int) -> None:
        self._upper = upper
        self._below = below

    def changes(self) -> Iterator[Change]:
        """Yield changes with absolute paths, a directory before what is in it, in the order of names."""
        stack = [("/", self._entries("/", is_below=True), True)]  # not by recursion: trees may be deep
        told = {"/"}
        while stack:
            directory, names, below = stack[-1]
            name = next(names, None)
            if name is None:
                stack.pop()
                continue
            path = posixpath.join(directory, name)
            kind, is_directory, is_below = self._compare(path, below)
            if kind is not None:
                for parent, _, _ in stack:
                    if parent not in told:  # a directory that only leads to a change is said, too
                        told.add(parent)
                        yield MODIFIED, parent
                told.add(path)
                yield kind, path
            if is_directory:
                stack.append((path, self._entries(path, is_below=is_below), is_below))

    def _compare(self, path: str, parent_below: bool) -> tuple[int | None, bool, bool]:
        """Return what happened to `path` (None: nothing), whether it is a directory, and whether it is one below."""
        status = _status(self._upper, path)
        old = _status(self._below, path) if parent_below else None
        if status is None or _is_whiteout(status):
            return (DELETED if old is not None else None), False, False
        is_directory = stat.S_ISDIR(status.st_mode)
        if old is None:
            return ADDED, is_directory, False
        below = is_directory and stat.S_ISDIR(old.st_mode)
        differs = _differ(old, status) or self._capability(self._below, path, old) != self._capability(
            self._upper, path, status
        )
        return (MODIFIED if differs else None), is_directory, below

    def _entries(self, path: str, *, is_below: bool) -> Iterator[str]:
        """Return the names to compare: those of the writable layer, and where it hides a directory those below, too."""
        directory = syscalls.open_in_root(self._upper, path, _DIRECTORY)
        try:
            names = set(os.listdir(directory))
            if is_below and _attribute(directory, _OPAQUE) == b"y":
                names |= _listed(self._below, path)
        finally:
            os.close(directory)
        return iter(sorted(names))

    @staticmethod
    def _capability(root: int, path: str, status: os.stat_result) -> bytes | None:
        if not stat.S_ISREG(status.st_mode):
            return None
        try:
            descriptor = syscalls.open_in_root(root, path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            return _attribute(descriptor, _CAPABILITY)
        finally:
            os.close(descriptor)


def _differ(old: os.stat_result, new: os.stat_result) -> bool:
    """As Docker: no look at inodes and ctime, which copying up changes, nor at directories' sizes and times."""
    if (old.st_mode, old.st_uid, old.st_gid, old.st_rdev) != (new.st_mode, new.st_uid, new.st_gid, new.st_rdev):
        return True
    return not stat.S_ISDIR(new.st_mode) and (old.st_size != new.st_size or not _same_time(old, new))


def _same_time(old: os.stat_result, new: os.stat_result) -> bool:
    """Tar files round to seconds: then only those are compared."""
    billion = 1_000_000_000
    a, b = old.st_mtime_ns, new.st_mtime_ns
    return a == b or (a // billion == b // billion and (a % billion == 0 or b % billion == 0))


def _status(root: int, path: str) -> os.stat_result | None:
    try:
        descriptor = syscalls.open_in_root(root, path, os.O_PATH | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _listed(root: int, path: str) -> set[str]:
    directory = syscalls.open_in_root(root, path, _DIRECTORY)
    try:
        return set(os.listdir(directory))
    finally:
        os.close(directory)


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _attribute(descriptor: int, name: str) -> bytes | None:
    try:
        return os.getxattr(descriptor, name)
    except OSError:
        return None
