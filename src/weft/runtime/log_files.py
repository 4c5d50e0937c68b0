"""The format of container logs (Kubernetes CRI, `k8s-file`): `<RFC 3339> <stream> <P or F> <data>`, a line a piece."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from weft.engine.contract.runtime import LogLine
from weft.runtime.log_compression import SUFFIX

_BLOCK: Final = 65536
_MOST_LINE: Final = 1024 * 1024  # a line that never ends is given out in pieces
_STREAMS: Final = {b"stdout": 1, b"stderr": 2}
_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of a log file. `whole`: it ends a line of output."""

    stream: int
    time: int
    whole: bool
    data: bytes


class Parser:
    """Parses lines; remembers the last second it converted."""

    def __init__(self) -> None:
        self._prefix = b""
        self._seconds = 0

    def piece(self, line: bytes) -> Piece | None:
        """Return a line's piece; None for what is not one (a crash can leave a torn line)."""
        stamp, _, rest = line.partition(b" ")
        stream, _, rest = rest.partition(b" ")
        tag, _, data = rest.partition(b" ")
        number = _STREAMS.get(stream)
        time = self._time(stamp)
        if number is None or time is None or tag not in (b"P", b"F"):
            return None
        whole = tag == b"F"
        return Piece(number, time, whole, data + b"\n" if whole else data)

    def _time(self, stamp: bytes) -> int | None:
        # 2026-11-23T18:49:30.928506376+00:00
        prefix, nanoseconds = stamp[:19] + stamp[29:], stamp[20:29]
        if prefix != self._prefix:
            try:
                self._seconds = int(datetime.fromisoformat(prefix.decode()).timestamp())
            except ValueError:
                return None
            self._prefix = prefix
        return self._seconds * _SECOND + int(nanoseconds) if nanoseconds.isdigit() else None


class Assembler:
    """Joins pieces to whole lines, each stream for itself."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[int, list[bytes], int]] = {}

    def add(self, piece: Piece) -> LogLine | None:
        """Take the next piece; return the line that it completes."""
        time, parts, size = self._open.pop(piece.stream, (piece.time, [], 0))
        parts.append(piece.data)
        size += len(piece.data)
        if piece.whole or size > _MOST_LINE:
            return LogLine(piece.stream, time, b"".join(parts))
        self._open[piece.stream] = (time, parts, size)
        return None

    def rest(self) -> Iterator[LogLine]:
        """Return the lines that were never ended, oldest first."""
        for stream, (time, parts, _) in sorted(self._open.items(), key=lambda item: item[1][0]):
            yield LogLine(stream, time, b"".join(parts))
        self._open.clear()


def rotated(newest: Path) -> list[Path]:
    """Return the files of a log that exist, oldest first; compressed ones end in `.gz`."""
    older = []
    number = 1
    while (path := numbered(newest, number)) is not None:
        older.append(path)
        number += 1
    return [*reversed(older), *([newest] if newest.exists() else [])]


def numbered(newest: Path, number: int) -> Path | None:
    """Return an older file of a log, None where there is none of that number.

    While one is being compressed both are there, and the one that it is made from counts.
    """
    plain = newest.with_name(f"{newest.name}.{number}")
    packed = plain.with_name(plain.name + SUFFIX)
    return next((path for path in (plain, packed) if path.exists()), None)


def end_of_lines(file: IO[bytes]) -> int:
    """Return the offset behind the last newline: what follows is being written."""
    position = file.seek(0, os.SEEK_END)
    while position > 0:
        start = max(0, position - _BLOCK)
        file.seek(start)
        if (found := file.read(position - start).rfind(b"\n")) >= 0:
            return start + found + 1
        position = start
    return 0


def lines_backwards(file: IO[bytes], end: int) -> Iterator[bytes]:
    """Yield the lines before offset `end` (behind a newline) without their newlines, the last one first, by blocks."""
    position = max(0, end - 1)
    head = b""
    while position > 0:
        size = min(_BLOCK, position)
        position -= size
        file.seek(position)
        head, *lines = (file.read(size) + head).split(b"\n")
        yield from reversed(lines)
    if end > 0:
        yield head
