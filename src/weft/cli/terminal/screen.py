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
    """While entered and `active`, a terminal is in raw mode: every key goes to the container."""

    def __init__(self, descriptor: int, *, active: bool) -> None:
        self._descriptor = descriptor
        self._active = active and os.isatty(descriptor)
        self._saved: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> RawMode:
        if self._active:
            self._saved = termios.tcgetattr(self._descriptor)
            tty.setraw(self._descriptor, termios.TCSANOW)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._saved is not None:
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._saved)
