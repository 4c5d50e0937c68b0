"""An instance of procfs of our own, seen by nobody else."""

import os
from contextlib import suppress
from threading import Lock

from weft.kernel import libc

_PROC = "/proc"
_USES = 256


class Procfs:
    """Opens files of procfs for the calling thread.

    Each network namespace has files of its own below /proc/sys/net, all under the same names; the kernel keeps those of
    one name in one chain (fs/proc/proc_sysctl.c, proc_sys_compare), so that with 400 namespaces a look-up costs ten
    times as much. A fresh instance (Linux 5.8) starts with short chains, and is taken anew every few hundred uses.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._directory = -1
        self._left = 0

    def open(self, path: str, flags: int) -> int:
        """Return a descriptor of a file below /proc, for the caller to close; raises OSError."""
        with self._lock:
            if self._left == 0:
                self._renew()
            self._left -= 1
            return os.open(path, flags | os.O_CLOEXEC, dir_fd=self._directory)

    def close(self) -> None:
        """Let go of the instance."""
        with self._lock, suppress(OSError):
            os.close(self._directory)

    def _renew(self) -> None:
        try:
            fresh = libc.new_file_system("proc")
        except OSError:  # an older kernel, or a /proc that is restricted: the machine's serves too
            fresh = os.open(_PROC, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        former, self._directory, self._left = self._directory, fresh, _USES
        if former >= 0:
            os.close(former)
