"""The user's terminal: its size, and raw mode."""

from __future__ import annotations

import os
import termios
import tty
from types import TracebackType


def size(descriptor: int) -> tuple[int, int]:
    """Return (rows, columns), (0, 0) for what is no terminal."""
    try:
        columns, rows = os.get_terminal_size(descriptor)
    except OSError:
        return 0, 0
    return rows, columns


class RawMode:
    """Puts a terminal into raw mode, so that every key goes to the container; restores it on exit."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._saved: list[object] | None = None

    def __enter__(self) -> RawMode:
        if os.isatty(self._descriptor):
            self._saved = list(termios.tcgetattr(self._descriptor))
            tty.setraw(self._descriptor, termios.TCSANOW)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def restore(self) -> None:
        """Undo raw mode; safe to call again."""
        if self._saved is not None:
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._saved)
            self._saved = None
