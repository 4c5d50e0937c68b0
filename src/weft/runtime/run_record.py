"""What a daemon has to know of a run that another daemon started; written before the run, beside its files."""

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from weft.engine.contract.runtime import Exit
from weft.model.errors import SystemFailure
from weft.runtime.conmon import Streams
from weft.runtime.layout import write_atomically
from weft.runtime.rotation import LogPolicy

_NAME: Final = "run.json"


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a container."""

    runtime: str
    cgroup: str
    hostname: str = ""
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    log: LogPolicy = LogPolicy()

    @property
    def streams(self) -> Streams:
        """How the supervisor keeps the standard streams."""
        # a terminal's input never ends with a connection
        return Streams(self.tty, self.open_stdin, keep_input_open=self.tty or not self.stdin_once)

    def save(self, directory: Path) -> None:
        """Write the record into a bundle directory."""
        write_atomically(directory / _NAME, msgspec.json.encode(self))

    @classmethod
    def load(cls, directory: Path) -> "RunRecord | None":
        """Return the record of a bundle directory; None without one. SystemFailure when it is not readable."""
        try:
            return msgspec.json.decode((directory / _NAME).read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise SystemFailure(f"{directory / _NAME} is damaged: {error}; remove the container") from error


def pid_in(directory: Path) -> int:
    """Return the pid that the OCI runtime wrote into a directory, 0 for none."""
    try:
        return int((directory / "pid").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def exit_in(file: Path, *, oom_killed: bool = False) -> Exit | None:
    """Return the exit that a supervisor wrote, finished when it wrote it; None while there is none."""
    with contextlib.suppress(FileNotFoundError, ValueError), file.open() as opened:
        return Exit(int(opened.read()), os.fstat(opened.fileno()).st_mtime_ns, oom_killed)
    return None
