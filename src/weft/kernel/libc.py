"""System calls that Python 3.11 does not wrap; each raises OSError."""

import ctypes
import os

NEW_NETWORK = 0x40000000  # CLONE_NEWNET
BIND = 4096
REC = 16384
PRIVATE = 1 << 18
SHARED = 1 << 20
DETACH = 2
NSFS_MAGIC = 0x6E736673
_SYS_FSOPEN, _SYS_FSCONFIG, _SYS_FSMOUNT = 430, 431, 432
_CLOSE_ON_EXEC = 1  # FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC
_CREATE = 6  # FSCONFIG_CMD_CREATE

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_LIBC.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_LIBC.unshare.argtypes = (ctypes.c_int,)
_LIBC.setns.argtypes = (ctypes.c_int, ctypes.c_int)
_LIBC.statfs.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
_LIBC.syscall.restype = ctypes.c_long
_STATFS_BYTES = 256  # more than struct statfs has on any architecture


def unshare(flags: int) -> None:
    """Move the calling thread into new namespaces (unshare(2))."""
    _check(_LIBC.unshare(flags), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """Move the calling thread into a namespace (setns(2))."""
    _check(_LIBC.setns(descriptor, flags), "setns")


def mount(source: str, target: str, flags: int) -> None:
    """Mount without a file system type: bind mounts and changes of propagation (mount(2))."""
    _check(_LIBC.mount(source.encode(), target.encode(), None, flags, None), target)


def new_file_system(kind: str) -> int:
    """Return the root directory of a new instance of a file system, mounted nowhere (fsopen(2), Linux 5.2)."""
    context = _check(_LIBC.syscall(_SYS_FSOPEN, kind.encode(), _CLOSE_ON_EXEC), kind)
    try:
        _check(_LIBC.syscall(_SYS_FSCONFIG, context, _CREATE, None, None, 0), kind)
        return _check(_LIBC.syscall(_SYS_FSMOUNT, context, _CLOSE_ON_EXEC, 0), kind)
    finally:
        os.close(context)


def unmount(target: str, flags: int) -> None:
    """Unmount (umount2(2))."""
    _check(_LIBC.umount2(target.encode(), flags), target)


def file_system(path: str) -> int:
    """Return the magic number of the file system that holds a path (statfs(2))."""
    buffer = ctypes.create_string_buffer(_STATFS_BYTES)
    _check(_LIBC.statfs(path.encode(), buffer), path)
    return ctypes.c_long.from_buffer(buffer).value


def _check(result: int, subject: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), subject)
    return result
