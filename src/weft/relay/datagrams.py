"""UDP: a socket a published port, and behind it one a client, so that answers find their way back."""

import socket
import struct
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from weft.dns.loop import Loop
from weft.relay.gate import gate_of
from weft.relay.protocol import Target
from weft.relay.streams import family_of

IDLE = 90.0  # seconds after which a client is forgotten
_SWEEP = 10.0  # seconds between looks for idle clients
_MOST_CLIENTS = 4096  # a port; the longest idle goes for a new one
_LARGEST = 65535
_ROUNDS = 64  # datagrams before others have their turn
_PKTINFO = struct.Struct("16sI")  # struct in6_pktinfo
_ROOM = socket.CMSG_SPACE(_PKTINFO.size)


class _Client:
    """One who sends: its address, the packet information that answers leave with, and the socket to the container."""

    __slots__ = ("address", "heard", "origin", "sock")

    def __init__(self, sock: socket.socket, address: Any, origin: bytes, heard: float) -> None:
        self.sock = sock
        self.address = address
        self.origin = origin
        self.heard = heard


class DatagramPort:
    """A bound socket whose datagrams lead to `target`, answers to whom they are due."""

    def __init__(self, loop: Loop, sock: socket.socket, target: Target) -> None:
        self._loop = loop
        self._sock = sock
        self._target = target
        self._gate = gate_of(target.exposure)
        self._clients: OrderedDict[tuple[Any, bytes], _Client] = OrderedDict()  # the longest idle first
        self._closed = False
        self._sweeping = False
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        loop.watch(sock.fileno(), self._from_clients)

    @property
    def target(self) -> Target:
        """Where datagrams lead; another one holds for all clients at once."""
        return self._target

    @target.setter
    def target(self, target: Target) -> None:
        if target != self._target:
            self._gate = gate_of(target.exposure)
            self._target = target
            self._forget_all()

    def close(self) -> None:
        """Carry nothing more."""
        if self._closed:
            return
        self._closed = True
        self._forget_all()
        self._loop.forget(self._sock.fileno())
        self._sock.close()

    def _from_clients(self, _: int) -> None:
        for _ in range(_ROUNDS):
            try:
                data, ancillary, _flags, address = self._sock.recvmsg(_LARGEST, _ROOM)
            except BlockingIOError:
                return
            except OSError:  # what an ICMP message said of an answer of ours
                continue
            client = self._client(address, _origin(ancillary))
            if client is not None:
                with suppress(OSError):  # full, or refused: datagrams may be lost
                    client.sock.send(data)

    def _client(self, address: Any, origin: bytes) -> _Client | None:
        key = (address, origin)
        client = self._clients.get(key)
        if client is None:
            client = self._new_client(address, origin)
            if client is None:
                return None
            self._clients[key] = client
        client.heard = self._loop.now()
        self._clients.move_to_end(key)
        return client

    def _new_client(self, address: Any, origin: bytes) -> _Client | None:
        if self._gate is not None and not self._gate(address[0], _text(origin)):
            return None
        if len(self._clients) >= _MOST_CLIENTS:
            self._forget(next(iter(self._clients)))
        sock = None
        try:
            sock = socket.socket(family_of(self._target.address), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            sock.connect((self._target.address, self._target.port))
        except OSError:
            if sock is not None:
                sock.close()
            return None
        client = _Client(sock, address, origin, self._loop.now())
        self._loop.watch(sock.fileno(), lambda _: self._from_container(client))
        if not self._sweeping:
            self._sweeping = True
            self._loop.later(_SWEEP, self._sweep)
        return client

    def _from_container(self, client: _Client) -> None:
        information = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, client.origin)] if client.origin else []
        for _ in range(_ROUNDS):
            if client.sock.fileno() < 0:
                return
            try:
                data = client.sock.recv(_LARGEST)
            except BlockingIOError:
                return
            except OSError:  # nobody listens in the container: the client finds out by silence
                return
            client.heard = self._loop.now()
            self._clients.move_to_end((client.address, client.origin))
            with suppress(OSError):
                self._sock.sendmsg([data], information, 0, client.address)

    def _sweep(self) -> None:
        before = self._loop.now() - IDLE
        while self._clients:
            key, client = next(iter(self._clients.items()))
            if client.heard > before:
                break
            self._forget(key)
        self._sweeping = bool(self._clients) and not self._closed
        if self._sweeping:
            self._loop.later(_SWEEP, self._sweep)

    def _forget(self, key: tuple[Any, bytes]) -> None:
        client = self._clients.pop(key)
        self._loop.forget(client.sock.fileno())
        client.sock.close()

    def _forget_all(self) -> None:
        for key in list(self._clients):
            self._forget(key)


def _text(origin: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, origin[:16]) if origin else "::"


def _origin(ancillary: list[tuple[int, int, bytes]]) -> bytes:
    """Return the address, and interface, that a datagram was sent to (RFC 3542, 6.1): answers come from there."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO) and len(data) >= _PKTINFO.size:
            address, index = _PKTINFO.unpack_from(data)
            link_local = address[0] == 0xFE and address[1] & 0xC0 == 0x80
            return _PKTINFO.pack(address, index if link_local else 0)
    return b""
