"""The pid file: one daemon a file."""

import os
from pathlib import Path

from weft.model.errors import Conflict, SystemFailure


class PidFile:
    """Holds our process id at a path. A file that a dead daemon left is replaced."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def take(self) -> None:
        """Write our id; raises Conflict where a living process has the file, SystemFailure where that fails."""
        holder = self._holder()
        if holder:
            raise Conflict(
                f"failed to start daemon, ensure weftd is not running or delete {self._path}: "
                f"process with PID {holder} is still running"
            )
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            fresh.write_text(f"{os.getpid()}\n")
            fresh.replace(self._path)
        except OSError as error:
            raise SystemFailure(f"failed to write the pid file {self._path}: {error.strerror}") from error

    def release(self) -> None:
        """Remove the file where it is still ours."""
        if self._read() == os.getpid():
            self._path.unlink(missing_ok=True)

    def _holder(self) -> int:
        """Return the id of a living process other than us that the file names, or 0."""
        pid = self._read()
        if pid <= 0 or pid == os.getpid():
            return 0
        return pid if _is_alive(pid) else 0

    def _read(self) -> int:
        try:
            text = self._path.read_text().strip()
        except FileNotFoundError:
            return 0
        except (OSError, UnicodeDecodeError) as error:
            raise SystemFailure(f"failed to read the pid file {self._path}: {error}") from error
        return int(text) if text.isascii() and text.isdigit() else 0


def _is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
