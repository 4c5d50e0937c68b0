"""The pipe on which conmon reports: lines of JSON with a pid or an exit code, or words when it could not start."""

import asyncio
import os
from dataclasses import dataclass
from typing import Final

import msgspec

_CHUNK: Final = 65536


class Report(msgspec.Struct, frozen=True):
    """`data` is a pid, an exit code, or negative for a failure that `message` explains."""

    data: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What was written to standard error."""

    text: str


class SyncPipe:
    """The reading end; `writer` is for the child and closed with `started`."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._buffer = b""
        self._open = True
        asyncio.get_running_loop().add_reader(self._reader, self._read)

    def started(self) -> None:
        """Give up the writing end, once the child has it or never will."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    async def report(self) -> Report | Words:
        """Return the next report; Words with everything else that was written when the child ended without one."""
        words: list[bytes] = []
        while (line := await self._lines.get()) is not None:
            try:
                return msgspec.json.decode(line, type=Report, strict=False)
            except msgspec.DecodeError:
                words.append(line)
        self._lines.put_nowait(None)
        return Words(b"\n".join(words).decode(errors="replace").strip())

    def close(self) -> None:
        """Close both ends."""
        self.started()
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._reader)
            os.close(self._reader)

    def _read(self) -> None:
        try:
            chunk = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in lines:
            self._lines.put_nowait(line)
        if not chunk:
            if self._buffer:
                self._lines.put_nowait(self._buffer)
            self._lines.put_nowait(None)
            self.close()
