"""The daemon's side door: hands over sandboxes, zones and views. Daemons come and go; what they said stays."""

import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from weft.dns.channel import Channel
from weft.dns.loop import Loop
from weft.dns.protocol import DESCRIPTORS_AN_OPEN, PROTOCOL, BadFrame, Decoder, encode, unpack_view
from weft.dns.server import Server
from weft.dns.zone import Endpoint, endpoint

_CHUNK = 65536
_MOST_DESCRIPTORS = 64  # in one message
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class Control:
    """A listening unix socket on which daemons of the same user are served."""

    def __init__(self, loop: Loop, listener: socket.socket, server: Server, report: Callable[[str], None]) -> None:
        self._loop = loop
        self._listener = listener
        self._server = server
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
        Session(self._loop, sock, self._server, self._report)


class Session:
    """One daemon's connection. Descriptors arrive in order, so that an `open` takes the first two not taken yet."""

    def __init__(self, loop: Loop, sock: socket.socket, server: Server, report: Callable[[str], None]) -> None:
        self._sock = sock
        self._server = server
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
        except KeyError as error:
            return encode(number, "error", f"No such sandbox: {error.args[0]}")
        except (OSError, TypeError, ValueError) as error:
            return encode(number, "error", f"{verb}: {error}")

    def _perform(self, verb: str, arguments: list[Any]) -> object:
        match verb, arguments:
            case "hello", []:
                return {"protocol": PROTOCOL, "pid": os.getpid()}
            case "sandboxes", []:
                return self._server.held()
            case "open", [str(ident), str(namespace), view]:
                self._open(ident, namespace, view)
            case "update", [str(ident), view]:
                self._server.update(ident, unpack_view(view))
            case "close", [str(ident)]:
                self._server.close(ident)
            case "publish", [str(network), str(ident), names, addresses]:
                self._server.directory.publish(network, ident, _endpoint(names, addresses))
            case "withdraw", [str(network), str(ident)]:
                self._server.directory.withdraw(network, ident)
            case "replace-zones", [dict(zones)]:
                self._server.directory.replace(
                    {net: {ident: _endpoint(*entry) for ident, entry in held.items()} for net, held in zones.items()}
                )
            case _:
                raise BadFrame(f"unknown request {verb!r} with {len(arguments)} arguments")
        return None

    def _open(self, ident: str, namespace: str, view: Any) -> None:
        if len(self._descriptors) < DESCRIPTORS_AN_OPEN:
            raise BadFrame("no descriptors came with it")
        udp, tcp = (socket.socket(fileno=self._descriptors.pop(0)) for _ in range(DESCRIPTORS_AN_OPEN))
        try:
            self._server.open(ident, udp, tcp, namespace, unpack_view(view))
        except (OSError, ValueError):
            udp.close()
            tcp.close()
            raise


def _endpoint(names: list[str], addresses: list[str]) -> Endpoint:
    return endpoint(names, [_packed(address) for address in addresses])


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
