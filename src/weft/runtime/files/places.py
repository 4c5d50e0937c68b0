"""Paths inside a root that is open by descriptor: no link, however hostile, leads out of it."""

import errno
import os
import posixpath
import stat
from typing import Final

from weft.runtime import syscalls

_MOST_LINKS: Final = 255  # as Go's filepath.EvalSymlinks; the kernel itself follows 40
_DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY


def resolve(root: int, path: str, *, missing: bool = False) -> str:
    """Return `path` as an absolute one without links, `.` and `..`.

    OSError if it does not lead to anything; with `missing` what is not there, and below it, is taken as it stands.
    """
    done, pending = "/", _parts(path)
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            done = posixpath.dirname(done)
            continue
        here = posixpath.join(done, part)
        try:
            target = read_link(root, here)
        except FileNotFoundError:
            if not missing:
                raise
            target = None
        if target is None:
            done = here
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        done = "/" if target.startswith("/") else done
        pending.extend(_parts(target))
    return done


def read_link(root: int, path: str) -> str | None:
    """Return what the symbolic link at `path` says, None where something else is; OSError where nothing is."""
    descriptor = syscalls.open_in_root(root, path, os.O_PATH | os.O_NOFOLLOW)
    try:
        if not stat.S_ISLNK(os.fstat(descriptor).st_mode):
            return None
        return os.readlink("", dir_fd=descriptor)
    finally:
        os.close(descriptor)


def make_place(root: int, path: str, *, directory: bool) -> int:
    """Open the file or directory at `path` as a place to mount at; one that is missing is made, with its parents."""
    flags = _DIRECTORY if directory else os.O_PATH
    try:
        return syscalls.open_in_root(root, path, flags)
    except FileNotFoundError:
        resolved = resolve(root, path, missing=True)
    parent = open_directory(root, posixpath.dirname(resolved), make=True)
    try:
        name = posixpath.basename(resolved)
        if directory:
            os.mkdir(name, 0o755, dir_fd=parent)
        else:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o755, dir_fd=parent))
        return syscalls.open_in_root(root, resolved, flags)
    finally:
        os.close(parent)


def open_directory(root: int, path: str, *, make: bool = False) -> int:
    """Open the directory at `path`, with `make` after making what is missing of it (0755 root)."""
    try:
        return syscalls.open_in_root(root, path, _DIRECTORY)
    except FileNotFoundError:
        if not make:
            raise
        resolved = resolve(root, path, missing=True)
    parent = open_directory(root, posixpath.dirname(resolved), make=True)
    try:
        os.mkdir(posixpath.basename(resolved), 0o755, dir_fd=parent)
    except FileExistsError:
        pass  # somebody in the container was faster
    finally:
        os.close(parent)
    return syscalls.open_in_root(root, resolved, _DIRECTORY)


def _parts(path: str) -> list[str]:
    """Return the components, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
