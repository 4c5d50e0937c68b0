"""A terminal to type into: a pty, what has been shown on it, and waiting for text."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CTRL_P_CTRL_Q = "\x10\x11"
CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """A program on a terminal of its own. Use as a context manager: leaving it hangs up."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], directory: Path, rows: int, columns: int
    ) -> None:
        self._master, slave = pty.openpty()
        self.shown = ""
        self._read_to = 0
        self.resize(rows, columns, announce=False)
        self._process = subprocess.Popen(
            arguments,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def resize(self, rows: int, columns: int, *, announce: bool = True) -> None:
        """Set the window size and tell the program, as a terminal emulator does."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if announce:
            self._process.send_signal(signal.SIGWINCH)

    def type(self, text: str) -> None:
        """Type `text`; a line wants its own carriage return."""
        os.write(self._master, text.encode())

    def line(self, text: str) -> None:
        """Type a line and Enter."""
        self.type(text + "\r")

    def _pump(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0, seconds))
        if not ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # what a closed terminal answers (EIO)
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern: str, timeout: float = 20) -> re.Match[str]:
        """Wait until `pattern` shows after what was last expected, and return the match.

        Raises `AssertionError` with what was shown, when it does not within `timeout` seconds or the program ends.
        """
        deadline = time.monotonic() + timeout
        open_ = True
        while True:
            if match := re.compile(pattern, re.MULTILINE).search(self.shown, self._read_to):
                self._read_to = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0 or not open_:
                raise AssertionError(f"{pattern!r} did not show; since then: {self.shown[self._read_to :]!r}")
            open_ = self._pump(left)

    def wait(self, timeout: float = 20) -> int:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self._pump(deadline - time.monotonic()):
            pass
        return self._process.wait(max(0.1, deadline - time.monotonic()))

    def close(self) -> None:
        """Hang up and end the program."""
        if self._master < 0:
            return
        os.close(self._master)
        self._master = -1
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
            return
        self._process.kill()
        self._process.wait()
