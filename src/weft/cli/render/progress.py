"""The progress of pulls, pushes, loads and imports (Engine API JSONMessage): lines, or bars on a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable

from weft.cli.context import write_all
from weft.cli.errors import CommandFailed
from weft.cli.render import human
from weft.cli.render.fields import Json, inner, number, text

WIDE = 110  # columns from which there is room for a bar
DEFAULT_WIDTH = 200
CLEAR_LINE = "\x1b[2K\r"


def show(messages: Iterable[object], descriptor: int, *, quiet: bool = False) -> None:
    """Write progress as it comes; raises CommandFailed with the daemon's text where the work failed."""
    display = _Display(os.isatty(descriptor), _width(descriptor))
    for message in messages:
        if not isinstance(message, dict):
            continue
        error = text(message, "error") or text(inner(message, "errorDetail"), "message")
        if error:
            raise CommandFailed(error)
        if not quiet:
            write_all(descriptor, display.line(message).encode("utf-8", "surrogateescape"))


class _Display:
    """Keeps a line a layer on a terminal; elsewhere bars are left out."""

    def __init__(self, terminal: bool, width: int) -> None:
        self._terminal = terminal
        self._width = width
        self._lines: dict[str, int] = {}

    def line(self, message: Json) -> str:
        """Return what to write for one message."""
        identifier = text(message, "id")
        if not identifier or "progressDetail" not in message:
            self._lines = {}
            return self._text(message, identifier)
        before = ""
        if identifier not in self._lines:
            self._lines[identifier] = len(self._lines)
            before = "\n" if self._terminal else ""
        shown = self._text(message, identifier)
        if not self._terminal:
            return shown
        up = len(self._lines) - self._lines[identifier]
        return f"{before}\x1b[{up}A{shown}\x1b[{up}B"

    def _text(self, message: Json, identifier: str) -> str:
        bar = progress_bar(inner(message, "progressDetail"), self._width)
        stream, status = text(message, "stream"), text(message, "status")
        name = f"{identifier}: " if identifier else ""
        if self._terminal and not stream and "progressDetail" in message:
            return f"{CLEAR_LINE}{name}{status} {bar}\r"
        if bar:
            return ""  # only a terminal can show it change
        return f"{name}{stream}" if stream else f"{name}{status}\n"


def progress_bar(detail: Json, width: int) -> str:
    """Return `[=====>    ]  3.1MB/10MB`, "" where nothing is known."""
    current, total = number(detail, "current"), number(detail, "total")
    if current <= 0 and total <= 0:
        return ""
    units = text(detail, "units")
    done = human.size(current) if not units else f"{current} {units}"
    if total <= 0:
        return f"{done:>8}"
    filled = min(current * 100 // total // 2, 50)
    bar = f"[{'=' * filled}>{' ' * (50 - filled)}] " if width > WIDE else ""
    if detail.get("hidecounts") is True:
        return bar
    return bar + (f"{done:>8}" if current > total else f"{done:>8}/{human.size(total) if not units else total}")


def _width(descriptor: int) -> int:
    try:
        return os.get_terminal_size(descriptor).columns
    except OSError:
        return DEFAULT_WIDTH
