"""A program that keeps running in a throw-away host."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class Daemon:
    """A started program; `pid` is the program's own as this machine counts, not that of the `nsenter` around it."""

    def __init__(self, arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open("ab") as sink:
            self._nsenter = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=dict(environment),
                start_new_session=True,
            )
        self.pid = self._find()

    def _find(self) -> int:
        children = Path(f"/proc/{self._nsenter.pid}/task/{self._nsenter.pid}/children")
        while self._nsenter.poll() is None:
            if found := children.read_text().split():
                return int(found[0])
            time.sleep(0.002)
        raise RuntimeError(f"{self._nsenter.args!r} ended at once: {self.log.read_text()}")

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return self._nsenter.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens when the program is gone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
                if number == signal.SIGCONT:  # nsenter stops itself with the program, and would never hear of its end
                    os.kill(self._nsenter.pid, number)

    def wait(self, timeout: float = 60) -> int:
        """The exit status, waiting at most `timeout` seconds (then raises `subprocess.TimeoutExpired`)."""
        return self._nsenter.wait(timeout)

    def stop(self, timeout: float = 60) -> int:
        """SIGTERM, then wait."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> int:
        """SIGKILL, then wait."""
        self.signal(signal.SIGKILL)
        return self.wait()
