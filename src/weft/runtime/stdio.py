"""Connections to the standard streams of a supervised process (conmon's attach socket, SOCK_SEQPACKET)."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

_PACKET: Final = 8192 + 1  # what conmon reads at once, and the stream's number in front
_MOST_INPUT: Final = 32768  # conmon cuts off what is longer
_BURST: Final = 32  # packets taken before the loop gets its turn
_STDERR: Final = 3
_RETRY: Final = 0.005  # seconds; conmon's backlog holds ten connections


async def connect(directory: Path) -> socket.socket:
    """Connect to the attach socket in a bundle directory; OSError when nobody listens."""
    holder = os.open(directory, os.O_PATH | os.O_CLOEXEC)
    try:
        while True:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
            try:
                link.connect(f"/proc/self/fd/{holder}/attach")  # short, however long the directory's name
            except BlockingIOError:
                link.close()
                await asyncio.sleep(_RETRY)
            except BaseException:
                link.close()
                raise
            else:
                return link
    finally:
        os.close(holder)


class AttachedStdio:
    """Implements weft.engine.contract.runtime.Stdio.

    Output is taken from the socket as it comes and kept until it is read. Past `limit` bytes the socket is left
    alone until the reader has caught up; then the supervisor waits, and with it the process and every other
    connection, as with Docker. Nothing is ever dropped, and once the process has ended nothing waits any more:
    `process_ended` lifts the limit, so that a reader who stalls cannot keep an end from being seen.
    """

    def __init__(
        self,
        link: socket.socket,
        *,
        takes_input: bool,
        keep_input_open: bool,
        closed: Callable[["AttachedStdio"], None],
        outputs: frozenset[int] = frozenset({1, 2}),
        settled: asyncio.Event | None = None,
    ) -> None:
        """Take over a connected socket.

        `outputs` are the streams to give out, `closed` is told when the socket is dropped, and the output's end
        waits for `settled`: who has seen it may ask for the exit code.
        """
        self._link = link
        self._takes_input = takes_input
        self._keep_input_open = keep_input_open
        self._on_close = closed
        self._outputs = outputs
        self._settled = settled
        self._packets: deque[bytes] = deque()
        self._held = 0
        self._limit: float = 4 * 1024 * 1024
        self._ended = False
        self._closed = False
        self._reading = False
        self._news = asyncio.Event()
        self._waiting: asyncio.Future[None] | None = None
        self._resume()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield (1 stdout or 2 stderr, data) until the process has ended and all is read."""
        while True:
            while self._packets:
                packet = self._packets.popleft()
                self._held -= len(packet)
                if self._held < self._limit / 2:
                    self._resume()
                stream = 2 if packet[0] == _STDERR else 1
                if stream in self._outputs:
                    yield stream, packet[1:]
            if self._ended and self._settled is not None:
                await self._settled.wait()
            if self._ended or self._closed:
                return
            self._news.clear()
            await self._news.wait()

    async def write(self, data: bytes) -> None:
        """Send to standard input, with back-pressure; what the process does not take any more is dropped."""
        if not self._takes_input:
            return
        for start in range(0, len(data), _MOST_INPUT):
            if not await self._send(data[start : start + _MOST_INPUT]):
                return

    async def close_input(self) -> None:
        """Half-close: the supervisor closes the process's input, unless that is to stay open."""
        if self._takes_input:
            self._takes_input = False
            with contextlib.suppress(OSError):
                self._link.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Drop the connection; the process goes on, and its input stays open unless it was half-closed before."""
        if self._closed:
            return
        self._closed = True
        self._pause()
        self._packets.clear()
        self._news.set()
        if self._ended:
            return
        if self._keep_input_open and self._takes_input:
            self._unblock()
            # conmon closes the input of such a process with any connection's end: stay, silently
            with contextlib.suppress(OSError):
                self._link.shutdown(socket.SHUT_RD)
        else:
            self._drop()

    def process_ended(self) -> None:
        """The process has ended: take all output that is left, however much is held already."""
        self._limit = float("inf")
        if self._closed:
            self._drop()
        else:
            self._resume()

    def _drop(self) -> None:
        self._unblock()
        self._link.close()
        self._on_close(self)

    async def _send(self, piece: bytes) -> bool:
        while not self._closed:
            try:
                self._link.send(piece)
            except BlockingIOError:
                await self._writable()
            except OSError:  # the process has ended
                return False
            else:
                return True
        return False

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        loop.add_writer(self._link.fileno(), self._unblock)
        try:
            await self._waiting
        finally:
            self._unblock()

    def _unblock(self) -> None:
        if self._waiting is not None:
            asyncio.get_running_loop().remove_writer(self._link.fileno())
            if not self._waiting.done():
                self._waiting.set_result(None)
            self._waiting = None

    def _resume(self) -> None:
        if not (self._reading or self._ended or self._closed):
            self._reading = True
            asyncio.get_running_loop().add_reader(self._link.fileno(), self._read)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            asyncio.get_running_loop().remove_reader(self._link.fileno())

    def _read(self) -> None:
        for _ in range(_BURST):
            try:
                packet = self._link.recv(_PACKET)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            if not packet:
                self._ended = True
                self._pause()
                self._drop()
                break
            self._packets.append(packet)
            self._held += len(packet)
            if self._held > self._limit:
                self._pause()
                break
        self._news.set()
