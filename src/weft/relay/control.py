"""The daemon's side door: hands over ports and takes them back. Daemons come and go; what they said stays."""

import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from weft.dns.channel import Channel
from weft.dns.loop import Loop
from weft.dns.protocol import BadFrame, Decoder, encode
from weft.relay.ports import Ports
from weft.relay.protocol import MOST_PORTS_AN_OPEN, PROTOCOL, unpack, unpack_key

_CHUNK = 65536
_MOST_DESCRIPTORS = MOST_PORTS_AN_OPEN  # in one message
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class Control:
    """A listening unix socket on which daemons of the same user are served."""

    def __init__(self, loop: Loop, listener: socket.socket, ports: Ports, report: Callable[[str], None]) -> None:
        self._loop = loop
        self._listener = listener
        self._ports = ports
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
        _Session(self._loop, sock, self._ports, self._report)


class _Session:
    """One daemon's connection. Descriptors arrive in order, one for each port of an `open`."""

    def __init__(self, loop: Loop, sock: socket.socket, ports: Ports, report: Callable[[str], None]) -> None:
        self._sock = sock
        self._ports = ports
        self._report = report
        self._decoder = Decoder()
        self._descriptors: list[int] = []
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
        self._close_descriptors()

    def _read(self) -> bytes:
        data, descriptors, _flags, _address = socket.recv_fds(
            self._sock, _CHUNK, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
        )
        self._descriptors += descriptors
        return data

    def _end(self) -> None:
        self._channel.close()
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _reply(self, number: int, verb: str, arguments: list[Any]) -> bytes:
        try:
            return encode(number, "ok", self._perform(verb, arguments))
        except BadFrame:
            raise
        except (KeyError, OSError, TypeError, ValueError) as error:
            return encode(number, "error", f"{verb}: {error!r}")

    def _perform(self, verb: str, arguments: list[Any]) -> object:
        match verb, arguments:
            case "hello", []:
                return {"protocol": PROTOCOL, "pid": os.getpid()}
            case "ports", []:
                return [self._ports.stream_port, self._ports.held()]
            case "listen", []:
                if not self._descriptors:
                    raise BadFrame("no descriptor came with a socket to listen on")
                self._ports.listen(socket.socket(fileno=self._descriptors.pop(0)))
            case "open", [list(ports)]:
                self._open(ports)
            case "aim", [list(ports)]:
                for values in ports:
                    self._ports.aim(*unpack(values))
            case "close", [list(keys)]:
                self._ports.close([unpack_key(values) for values in keys])
            case _:
                raise BadFrame(f"unknown request {verb!r} with {len(arguments)} arguments")
        return None

    def _open(self, ports: list[Any]) -> None:
        wanted = [unpack(values) for values in ports]
        if len(self._descriptors) < len(wanted):
            raise BadFrame(f"{len(self._descriptors)} descriptors came with {len(wanted)} ports")
        for key, target in wanted:
            self._ports.open(key, target, socket.socket(fileno=self._descriptors.pop(0)))
