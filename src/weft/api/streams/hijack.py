"""Taking a connection over from HTTP (Engine API v1.51, ContainerAttach, "Hijacking").

aiohttp keeps the handler of the request running and regards it as answered when it returns Unsent; until then the
transport is ours. A client may half-close its side and go on reading: `eof_received` keeps the transport open.
"""

import array
import asyncio
import fcntl
import termios
from collections.abc import Iterable

from aiohttp import web

from weft.api.body import read_limited
from weft.api.responses import HEADERS

_HIGH_WATER = 256 * 1024  # bytes of input that may wait for the process before the client is held
_HEAD_TRIES = 40
_HEAD_PAUSE = 0.0005  # seconds
_LINGER = 1.0  # seconds a client has to take the rest and close, before the connection is dropped


class HijackedConnection(asyncio.Protocol):
    """A raw connection with back-pressure in both directions."""

    def __init__(self, transport: asyncio.Transport, http: asyncio.Protocol, early: bytes) -> None:
        self._transport = transport
        self._http = http
        self._input = bytearray(early)
        self._reader: asyncio.Future[None] | None = None
        self._ended = False
        self._discarding = False
        self._head_taken = False
        self._paused = False
        self._closed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    async def read(self) -> bytes:
        """Return what the client sent since the last call, b"" after it closed its side."""
        while not self._input:
            if self._ended:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        data = bytes(self._input)
        self._input.clear()
        self._resume()
        return data

    async def write(self, chunks: Iterable[bytes]) -> None:
        """Send; waits while the client is slow. ConnectionError once it is gone."""
        if self._closed.is_set():
            raise ConnectionResetError("the client closed the connection")
        if not self._head_taken:
            await self._let_head_be_taken()
        self._transport.writelines(list(chunks))
        if not self._writable.is_set():
            await self._writable.wait()

    async def finish(self) -> None:
        """Say that nothing more comes, and give the client a moment to close: data left unread would reset it."""
        self._discarding = True
        self._input.clear()
        self._resume()
        if self._closed.is_set():
            return
        self._transport.write_eof()
        try:
            async with asyncio.timeout(_LINGER):
                while not self._ended:
                    await self.read()
        except TimeoutError:
            return

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            return
        self._input += data
        if len(self._input) > _HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return True

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._closed.set()
        self._writable.set()
        self._wake()
        self._http.connection_lost(exc)

    async def _let_head_be_taken(self) -> None:
        """docker-py loses what arrives together with the response's head, so output waits until the head was read."""
        self._head_taken = True
        for _ in range(_HEAD_TRIES):
            if not self._transport.get_write_buffer_size() and not _unread(self._transport):
                return
            await asyncio.sleep(_HEAD_PAUSE)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _resume(self) -> None:
        if self._paused and not self._closed.is_set():
            self._paused = False
            self._transport.resume_reading()


def _unread(transport: asyncio.Transport) -> int:
    """Return the bytes that the peer has not read (Unix sockets) or not acknowledged (tcp(7), SIOCOUTQ)."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, count)
    except OSError:
        return 0
    return count[0]


async def hijack(request: web.BaseRequest, content_type: str) -> HijackedConnection:
    """Answer 101 UPGRADED, or 200 to a client that did not ask for an upgrade, and take the connection over.

    ConnectionError if the client is gone already.
    """
    await read_limited(request)
    http, transport = request.protocol, request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client closed the connection")
    early, http._message_tail = http._message_tail, b""
    connection = HijackedConnection(transport, http, early)
    transport.set_protocol(connection)
    transport.write(_head("Upgrade" in request.headers, content_type))
    transport.resume_reading()
    return connection


def _head(upgrade: bool, content_type: str) -> bytes:
    lines = ["HTTP/1.1 101 UPGRADED" if upgrade else "HTTP/1.1 200 OK", f"Content-Type: {content_type}"]
    if upgrade:
        lines += ["Connection: Upgrade", "Upgrade: tcp"]
    lines += [f"{name}: {value}" for name, value in HEADERS.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
