"""A control socket: daemons of the same user ask in frames, descriptors beside them; what they may ask is the caller's.

Daemons come and go; what they said stays.
"""

import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from weft.dns.channel import Channel
from weft.dns.loop import Loop
from weft.dns.protocol import MOST_DESCRIPTORS, BadFrame, Decoder, encode

_CHUNK = 65536
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class Descriptors:
    """What one daemon sent and no request took yet, in the order of arrival."""

    def __init__(self) -> None:
        self._arrived: list[int] = []

    def arrived(self, descriptors: list[int]) -> None:
        """Keep these until a request takes them."""
        self._arrived += descriptors

    def take(self, count: int) -> list[socket.socket]:
        """Return that many sockets, now the caller's; raises BadFrame where fewer came."""
        if len(self._arrived) < count:
            raise BadFrame(f"no descriptors came with it: {len(self._arrived)} of {count}")
        return [socket.socket(fileno=self._arrived.pop(0)) for _ in range(count)]

    def close(self) -> None:
        """Close what nobody took."""
        while self._arrived:
            os.close(self._arrived.pop())


# Performs a request, verb and arguments, and returns its result as JSON values. LookupError, OSError, TypeError and
# ValueError become answers.
Perform = Callable[[str, list[Any], Descriptors], object]


class ControlSocket:
    """A listening unix socket on which daemons of the same user are served."""

    def __init__(
        self, loop: Loop, listener: socket.socket, protocol: int, perform: Perform, report: Callable[[str], None]
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._protocol = protocol
        self._perform = perform
        self._report = report
        listener.setblocking(False)
        loop.watch(listener.fileno(), self._accept)

    def _accept(self, _: int) -> None:
        try:
            sock, _address = self._listener.accept()
        except OSError:
            return
        pid, uid, _gid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        if uid not in (0, os.geteuid()):
            self._report(f"refused process {pid} of user {uid} on the control socket")
            sock.close()
            return
        sock.setblocking(False)
        _Session(self._loop, sock, self._hello_or_perform, self._report)

    def _hello_or_perform(self, verb: str, arguments: list[Any], descriptors: Descriptors) -> object:
        if verb == "hello" and not arguments:
            return {"protocol": self._protocol, "pid": os.getpid()}
        return self._perform(verb, arguments, descriptors)


class _Session:
    """One daemon's connection."""

    def __init__(self, loop: Loop, sock: socket.socket, perform: Perform, report: Callable[[str], None]) -> None:
        self._sock = sock
        self._perform = perform
        self._report = report
        self._decoder = Decoder()
        self._descriptors = Descriptors()
        self._channel = Channel(loop, sock, self)
        self._channel.read_with(self._read)

    def received(self, data: bytes) -> None:
        if not data:
            self._end()
            return
        try:
            for number, verb, arguments in self._decoder.feed(data):
                self._channel.send(self._reply(number, verb, arguments))
        except BadFrame as error:
            self._report(f"the control connection is closed: {error}")
            self._end()

    def drained(self) -> None:
        """Nothing: answers are small."""

    def lost(self) -> None:
        self._descriptors.close()

    def _read(self) -> bytes:
        data, descriptors, _flags, _address = socket.recv_fds(
            self._sock, _CHUNK, MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
        )
        self._descriptors.arrived(descriptors)
        return data

    def _end(self) -> None:
        self._channel.close()
        self._descriptors.close()

    def _reply(self, number: int, verb: str, arguments: list[Any]) -> bytes:
        try:
            return encode(number, "ok", self._perform(verb, arguments, self._descriptors))
        except (LookupError, OSError, TypeError, ValueError) as error:
            return encode(number, "error", f"{verb}: {error}")


def unknown(verb: str, arguments: list[Any]) -> BadFrame:
    """Return the error for a request that is not of this protocol."""
    return BadFrame(f"unknown request {verb!r} with {len(arguments)} arguments")
