"""One connection to a process beside the daemon: numbered requests, answers as they come, descriptors."""

import asyncio
import itertools
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from weft.dns.protocol import BadFrame, Decoder, encode
from weft.model.errors import SystemFailure, Unavailable

_TIMEOUT = 10.0  # seconds for an answer
_CHUNK = 65536
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class LinkLost(ConnectionError):
    """The process has gone, with it what was asked and not yet answered."""


class Link:
    """A connected socket. `closed` is set once the peer has gone."""

    def __init__(self, sock: socket.socket, name: str = "weft-dns") -> None:
        self._name = name
        self.closed = asyncio.Event()
        self._sock = sock
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._writing = asyncio.Lock()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, path: str, name: str = "weft-dns") -> "Link":
        """Connect to the control socket; raises OSError."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, path)
        except BaseException:
            sock.close()
            raise
        return cls(sock, name)

    def peer(self) -> int:
        """Return the process id behind the socket, by the kernel's word."""
        credentials = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(credentials)[0])

    async def call(self, verb: str, *arguments: Any, descriptors: Sequence[int] = ()) -> Any:
        """Return the result of a request.

        Raises LinkLost, Unavailable where no answer comes in time, and SystemFailure with the process's own reason.
        """
        if self.closed.is_set():
            raise LinkLost(f"{self._name} has gone")
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_TIMEOUT):
                await self._write(encode(number, verb, *arguments), descriptors)
                return await answer
        except TimeoutError:
            reason = f"did not answer {verb!r} within {_TIMEOUT:.0f} s: look at its log"
            raise Unavailable(f"{self._name} {reason}") from None
        finally:
            del self._waiting[number]
            if answer.done() and not answer.cancelled():
                answer.exception()  # looked at, also where writing failed first

    async def close(self) -> None:
        """Close the connection; the process goes on."""
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        self._end()

    async def _write(self, frame: bytes, descriptors: Sequence[int]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._writing:
                while descriptors:
                    try:
                        sent = socket.send_fds(self._sock, [frame], descriptors)
                    except BlockingIOError:
                        await self._writable()
                        continue
                    frame, descriptors = frame[sent:], ()
                if frame:
                    await loop.sock_sendall(self._sock, frame)
        except OSError as error:
            raise LinkLost(str(error)) from error

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._sock, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._sock)

    async def _read(self) -> None:
        decoder = Decoder()
        loop = asyncio.get_running_loop()
        with suppress(OSError, BadFrame):
            while data := await loop.sock_recv(self._sock, _CHUNK):
                for number, verb, arguments in decoder.feed(data):
                    self._settle(number, verb, arguments[0] if arguments else None)
        self._end()

    def _settle(self, number: int, verb: str, result: Any) -> None:
        answer = self._waiting.get(number)
        if answer is None or answer.done():
            return
        if verb == "ok":
            answer.set_result(result)
        else:
            answer.set_exception(SystemFailure(f"{self._name}: {result}"))

    def _end(self) -> None:
        if self.closed.is_set():
            return
        self.closed.set()
        self._sock.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LinkLost(f"{self._name} has gone"))
