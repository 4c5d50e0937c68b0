"""Window sizes of containers' terminals (ioctl_tty(2))."""

import fcntl
import os
import struct
import termios
from pathlib import Path
from typing import Final

from weft.model.errors import NotFound
from weft.runtime import syscalls

_SIZE: Final = struct.Struct("HHHH")
_MULTIPLEXERS: Final = ("/dev/ptmx", "/dev/pts/ptmx")


def resize(supervisor: int, pidfd: int, rows: int, columns: int) -> None:
    """Set the size of the terminal whose master end a supervisor holds; NotFound when it holds none.

    conmon's own resize message goes through two pipes of which it reads the first line of several only, so that the
    last of two quick sizes gets lost; hence the master is borrowed (pidfd_getfd(2)).
    """
    for entry in Path(f"/proc/{supervisor}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        if target in _MULTIPLEXERS:
            descriptor = syscalls.pidfd_getfd(pidfd, int(entry.name))
            try:
                fcntl.ioctl(descriptor, termios.TIOCSWINSZ, _SIZE.pack(rows, columns, 0, 0))
            finally:
                os.close(descriptor)
            return
    raise NotFound("the process has no terminal to resize")
