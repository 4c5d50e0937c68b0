"""Reading and following a container's log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Final, Protocol

from weft.engine.contract.runtime import LogLine, LogQuery
from weft.runtime import syscalls
from weft.runtime.inotify import Inotify
from weft.runtime.log_compression import identity, identity_at, opened
from weft.runtime.log_files import Assembler, Parser, Piece, end_of_lines, lines_backwards, rotated

_CHUNK: Final = 262_144
_SECOND: Final = 1_000_000_000
_CHANGES: Final = syscalls.IN_MODIFY | syscalls.IN_MOVED_TO | syscalls.IN_CREATE


class Following(Protocol):
    """The process whose log is followed."""

    @property
    def running(self) -> bool: ...

    def when_ended(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back at the end; the function returned takes that back."""
        ...


class LogReader:
    """One reading of a log. It holds a file at a time, so that rotation takes nothing away from it."""

    def __init__(self, newest: Path, query: LogQuery, clock: Callable[[], int]) -> None:
        self._newest = newest
        self._query = query
        self._clock = clock
        self._parser = Parser()
        self._assembler = Assembler()
        self._file: IO[bytes] | None = None
        self._partial = b""
        self._done = False

    async def lines(self, inotify: Inotify, process: Following | None) -> AsyncIterator[LogLine]:
        """Yield the lines that the query asks for and, when it follows, new ones while the process runs."""
        news = asyncio.Event()
        with contextlib.ExitStack() as stack:
            # the directory: a file's changes show there too, whatever the file is called by then
            stack.callback(inotify.watch(self._newest.parent, _CHANGES, lambda _: news.set()))
            if process is not None:
                stack.callback(process.when_ended(news.set))
            stack.callback(self._close)
            for line in self._past():
                yield line
            while not self._done:
                # asked before reading: what was written before the end is complete then
                more = self._query.follow and process is not None and process.running
                async for line in self._forward():
                    yield line
                if not more or self._done or not await self._wait(news):
                    break
            for line in self._wanted(self._assembler.rest()):
                yield line

    async def _wait(self, news: asyncio.Event) -> bool:
        """Wait for something new; False when the query's time is over."""
        until = self._query.until
        left = (until - self._clock()) / _SECOND if until else None
        try:
            await asyncio.wait_for(news.wait(), left)
        except TimeoutError:
            return False
        news.clear()
        return True

    def _past(self) -> Iterator[LogLine]:
        """Find the last lines asked for, and leave the newest file open behind them."""
        if self._query.tail is None:
            return
        *older, newest = rotated(self._newest) or [self._newest]
        if self._open(newest):
            assert self._file is not None  # noqa: S101 - opened just now
            end = end_of_lines(self._file)
            yield from self._tail(older, self._file, end)
            self._file.seek(end)

    def _tail(self, older: list[Path], newest: IO[bytes], end: int) -> Iterator[LogLine]:
        assert self._query.tail is not None  # noqa: S101 - asked by the caller
        pieces: list[Piece] = []
        found = 0
        seen: set[int] = set()
        for line in chain(lines_backwards(newest, end), *(_backwards(path) for path in reversed(older))):
            piece = self._parser.piece(line)
            if piece is None or not self._asked_for(piece.stream):
                continue
            if piece.time < self._query.since:
                break
            # a piece that ends a line, or the last one of a line that goes on
            if piece.whole or piece.stream not in seen:
                found += not (self._query.until and piece.time > self._query.until)
                if found > self._query.tail:
                    break
            seen.add(piece.stream)
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
            if not self._open_next(identity(self._file)):
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

    def _open_next(self, read: bytes | None) -> bool:
        """Go on to the file that follows the one read, None for none yet; whether there is one."""
        if read == b"":
            return False  # an empty file is the newest
        files = rotated(self._newest)
        identities = [identity_at(path) for path in files]
        if read is None:
            following = files[:1]
        elif read in identities:
            following = files[identities.index(read) + 1 :][:1]
        else:  # rotated away: all that is there is newer
            following = files[:1]
        return bool(following) and self._open(following[0])

    def _open(self, path: Path) -> bool:
        with contextlib.suppress(FileNotFoundError):
            file = opened(path)
            if self._file is not None:
                self._file.close()
            self._file, self._partial = file, b""
            return True
        return False

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()


def _backwards(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(FileNotFoundError), opened(path) as file:
        yield from lines_backwards(file, end_of_lines(file))
