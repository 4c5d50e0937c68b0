"""Reading and following a container's log."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, Final

from weft.engine.contract.runtime import LogLine, LogQuery
from weft.runtime import syscalls
from weft.runtime.inotify import Inotify
from weft.runtime.log_files import Assembler, Parser, Piece, lines_backwards, rotated

_CHUNK: Final = 262_144
_CHANGES: Final = syscalls.IN_MODIFY | syscalls.IN_MOVED_TO | syscalls.IN_CREATE


class LogReader:
    """One reading of a log. It holds a file at a time, so that rotation takes nothing away from it."""

    def __init__(self, newest: Path, query: LogQuery) -> None:
        self._newest = newest
        self._query = query
        self._parser = Parser()
        self._assembler = Assembler()
        self._file: IO[bytes] | None = None
        self._partial = b""
        self._done = False

    async def lines(self, inotify: Inotify, following: Callable[[], bool]) -> AsyncIterator[LogLine]:
        """Yield the lines that the query asks for, and new ones for as long as `following`."""
        news = asyncio.Event()
        # the directory: a file's changes show there too, whatever the file is called by then
        stop = inotify.watch(self._newest.parent, _CHANGES, lambda _: news.set())
        try:
            for line in self._past():
                yield line
            while not self._done:
                more = self._query.follow and following()
                async for line in self._forward():
                    yield line
                if not more:
                    break
                await self._wait(news, following)
            for line in self._wanted(self._assembler.rest()):
                yield line
        finally:
            stop()
            if self._file is not None:
                self._file.close()

    async def _wait(self, news: asyncio.Event, following: Callable[[], bool]) -> None:
        news.clear()
        if self._unread() or not following():
            return
        await news.wait()

    def _past(self) -> Iterator[LogLine]:
        """Find the last lines asked for, and leave the newest file open at its end."""
        if self._query.tail is None:
            return
        files = rotated(self._newest)
        self._open(files[-1] if files else self._newest)
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)
        yield from self._tail(files, self._query.tail)

    def _tail(self, files: list[Path], count: int) -> Iterator[LogLine]:
        pieces: list[Piece] = []
        found = 0
        last_of: dict[int, bool] = {}
        for line in (line for path in reversed(files) for line in _backwards(path)):
            piece = self._parser.piece(line)
            if piece is None or not self._asked_for(piece.stream):
                continue
            if self._query.since and piece.time < self._query.since:
                break
            ends_line = piece.whole or not last_of.get(piece.stream)
            last_of[piece.stream] = True
            if ends_line and not (self._query.until and piece.time > self._query.until):
                found += 1
                if found > count:
                    break
            pieces.append(piece)
        for piece in reversed(pieces):
            if (whole := self._assembler.add(piece)) is not None:
                yield from self._wanted(iter((whole,)))

    async def _forward(self) -> AsyncIterator[LogLine]:
        """Yield lines from where reading stands to the end of the newest file."""
        while not self._done:
            if self._file is None and not self._open_next(None):
                return
            assert self._file is not None  # noqa: S101 - opened just now
            while chunk := self._file.read(_CHUNK):
                *lines, self._partial = (self._partial + chunk).split(b"\n")
                for line in self._wanted(self._assembled(lines)):
                    yield line
                await asyncio.sleep(0)
            if not self._open_next(os.fstat(self._file.fileno()).st_ino):
                return

    def _assembled(self, lines: list[bytes]) -> Iterator[LogLine]:
        for line in lines:
            piece = self._parser.piece(line)
            if piece is not None and (whole := self._assembler.add(piece)) is not None:
                yield whole

    def _wanted(self, lines: Iterator[LogLine]) -> Iterator[LogLine]:
        for line in lines:
            if self._query.until and line.time > self._query.until:
                self._done = True
                return
            if self._asked_for(line.stream) and line.time >= self._query.since:
                yield line

    def _asked_for(self, stream: int) -> bool:
        return self._query.stdout if stream == 1 else self._query.stderr

    def _open_next(self, inode: int | None) -> bool:
        """Go on to the file that follows the one read; whether there is one."""
        files = rotated(self._newest)
        inodes = [_inode(path) for path in files]
        if inode is None:
            following = files[:1]
        elif inode in inodes:
            following = files[inodes.index(inode) + 1 :][:1]
        else:  # rotated away: all that is there is newer
            following = files[:1]
        return bool(following) and self._open(following[0])

    def _open(self, path: Path) -> bool:
        with contextlib.suppress(FileNotFoundError):
            file = path.open("rb")
            if self._file is not None:
                self._file.close()
            self._file, self._partial = file, b""
            return True
        return False

    def _unread(self) -> bool:
        if self._file is None:
            return self._newest.exists()
        status = os.fstat(self._file.fileno())
        return status.st_size > self._file.tell() or status.st_ino != _inode(self._newest)


def _backwards(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(FileNotFoundError):
        yield from lines_backwards(path)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
