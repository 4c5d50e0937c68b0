"""System calls that Python 3.11 has no wrapper for, through libc; each raises OSError with the path it was about."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
MS_SLAVE: Final = 0x80000
MS_SHARED: Final = 0x100000
MNT_DETACH: Final = 0x2
CLONE_NEWNS: Final = 0x20000
CLONE_FS: Final = 0x200
IN_MODIFY: Final = 0x2
IN_MOVED_TO: Final = 0x80
IN_CREATE: Final = 0x100
IN_MASK_ADD: Final = 0x20000000
_IN_NONBLOCK: Final = 0o4000
_IN_CLOEXEC: Final = 0o2000000
_RESOLVE_IN_ROOT: Final = 0x10
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_BENEATH: Final = 0x08
_MOST_TRIES: Final = 10_000
_SYS_PIDFD_GETFD: Final = 438
_SYS_OPENAT2: Final = 437
_SYS_OPEN_TREE: Final = 428
_SYS_MOVE_MOUNT: Final = 429
_SYS_MOUNT_SETATTR: Final = 442
_AT_FDCWD: Final = -100
_AT_EMPTY_PATH: Final = 0x1000
_AT_RECURSIVE: Final = 0x8000
_OPEN_TREE_CLONE: Final = 1
_MOVE_MOUNT_F_EMPTY_PATH: Final = 0x4
_MOVE_MOUNT_T_EMPTY_PATH: Final = 0x40
_MOUNT_ATTR_RDONLY: Final = 0x1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.syscall.restype = ctypes.c_long


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns", ctypes.c_uint64),
    )


def _check(result: int, about: str | os.PathLike[str] = "") -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(about) or None)
    return result


def mount(source: str, target: str | Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2); empty strings are passed as null pointers."""
    _check(
        _libc.mount(
            os.fsencode(source) or None,
            os.fsencode(target),
            kind.encode() or None,
            flags,
            os.fsencode(data) or None,
        ),
        target,
    )


def unmount(target: str | Path, flags: int = 0) -> None:
    """umount2(2)."""
    _check(_libc.umount2(os.fsencode(target), flags), target)


def copy_mount(path: str | Path, *, recursive: bool = False) -> int:
    """Return a descriptor of a copy of the mount at `path`, which is nowhere yet (open_tree(2), Linux 5.2).

    With `recursive` the mounts below come along. A copy that is attached nowhere goes with its last descriptor.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | (_AT_RECURSIVE if recursive else 0)
    return _check(_libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags), path)


def attach_mount(descriptor: int, target: Path) -> None:
    """Put what `copy_mount` returned at `target` in the calling thread's namespace (move_mount(2), Linux 5.2)."""
    place = os.fsencode(target)
    _check(_libc.syscall(_SYS_MOVE_MOUNT, descriptor, b"", _AT_FDCWD, place, _MOVE_MOUNT_F_EMPTY_PATH), target)


def attach_mount_at(descriptor: int, target: int) -> None:
    """Put what `copy_mount` returned on the file or directory that descriptor `target` has open."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
    _check(_libc.syscall(_SYS_MOVE_MOUNT, descriptor, b"", target, b"", flags))


def change_mounts(descriptor: int, *, read_only: bool = False, propagation: int = 0, flags: int = 0) -> None:
    """Change a mount and all below it: make them read-only, give them a propagation (mount_setattr(2), Linux 5.12).

    `flags` are of MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC, which have the same values as the attributes.
    """
    change = _MountAttributes(flags | (_MOUNT_ATTR_RDONLY if read_only else 0), 0, propagation, 0)
    where = _AT_EMPTY_PATH | _AT_RECURSIVE
    size = ctypes.c_size_t(ctypes.sizeof(change))
    _check(_libc.syscall(_SYS_MOUNT_SETATTR, descriptor, b"", where, ctypes.byref(change), size))


def unshare(flags: int) -> None:
    """unshare(2), for the calling thread only."""
    _check(_libc.unshare(flags))


def setns(descriptor: int, flags: int) -> None:
    """setns(2), for the calling thread only."""
    _check(_libc.setns(descriptor, flags))


def inotify_init() -> int:
    """Return a new non-blocking inotify descriptor."""
    return _check(_libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC))


def inotify_add_watch(descriptor: int, path: str | Path, mask: int) -> int:
    """Return the watch's number."""
    return _check(_libc.inotify_add_watch(descriptor, os.fsencode(path), ctypes.c_uint32(mask)), path)


def inotify_rm_watch(descriptor: int, watch: int) -> None:
    """Drop a watch."""
    _check(_libc.inotify_rm_watch(descriptor, watch))


def pidfd_getfd(pidfd: int, descriptor: int) -> int:
    """Return a duplicate of another process's descriptor (Linux 5.6)."""
    return _check(_libc.syscall(_SYS_PIDFD_GETFD, pidfd, descriptor, 0))


def open_in_root(root: int, path: str, flags: int = os.O_RDONLY) -> int:
    """Open `path` as a process whose root directory is descriptor `root` would: no link leads outside (Linux 5.6)."""
    return _open_at(root, path, flags, _RESOLVE_IN_ROOT)


def open_beneath(base: str | Path, path: str) -> int:
    """Open a path below a directory, without reading (O_PATH); EXDEV where a link leads outside it (openat2(2))."""
    directory = os.open(base, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _open_at(directory, path, os.O_PATH, _RESOLVE_BENEATH)
    finally:
        os.close(directory)


def _open_at(directory: int, path: str, flags: int, resolve: int) -> int:
    how = _OpenHow(flags | os.O_CLOEXEC, 0, resolve | _RESOLVE_NO_MAGICLINKS)
    for _ in range(_MOST_TRIES):
        result = _libc.syscall(_SYS_OPENAT2, directory, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
        # something was mounted on the machine while `..` was followed: the kernel is not sure, and says so
        if result >= 0 or ctypes.get_errno() != errno.EAGAIN:
            break
    return _check(result, path)
