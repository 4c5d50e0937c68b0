"""A non-blocking stream socket on the loop, with what could not be written yet and back-pressure."""

import socket
from collections.abc import Callable
from typing import Protocol

from weft.dns.loop import READ, WRITE, Loop

_CHUNK = 65536
_FULL = 256 * 1024  # bytes waiting to be written; above it nothing more is read


class Listener(Protocol):
    """Who hears of a channel's events."""

    def received(self, data: bytes) -> None:
        """Take what arrived; empty bytes: the peer will send no more."""
        ...

    def drained(self) -> None:
        """Go on sending: the channel was full and is so no more."""
        ...

    def lost(self) -> None:
        """The connection broke; the channel is closed already."""
        ...


class Channel:
    """Owns the socket. Nothing is called on the listener after `close`."""

    def __init__(self, loop: Loop, sock: socket.socket, listener: Listener, *, connecting: bool = False) -> None:
        self._loop = loop
        self._sock = sock
        self._fd = sock.fileno()
        self._listener = listener
        self._out = bytearray()
        self._reading = not connecting
        self._connecting = connecting
        self._ending = False
        self._was_full = False
        self._read: Callable[[], bytes] = lambda: sock.recv(_CHUNK)
        self.closed = False
        self._events = WRITE if connecting else READ
        loop.watch(self._fd, self._ready, self._events)

    def read_with(self, read: Callable[[], bytes]) -> None:
        """Use another way to read from the socket: one that takes file descriptors along."""
        self._read = read

    @property
    def full(self) -> bool:
        """Whether so much waits to be written that whoever can should stop sending until `drained`."""
        return len(self._out) > _FULL

    def send(self, data: bytes) -> None:
        """Write now what can be written, the rest as soon as it can."""
        if self.closed:
            return
        self._out += data
        if not self._connecting:
            self._flush()

    def close(self) -> None:
        """Close at once; what was not written is lost."""
        if not self.closed:
            self.closed = True
            self._loop.forget(self._fd)
            self._sock.close()

    def close_when_sent(self) -> None:
        """Close as soon as everything is written."""
        self._ending = True
        self._adjust()

    def _ready(self, events: int) -> None:
        try:
            if self._connecting:
                self._connected()
            if events & WRITE:
                self._flush()
            if events & ~WRITE and self._reading and not self.closed:
                self._receive()
            elif events & ~(READ | WRITE) and not self.closed:
                self._break()  # hung up while nothing is read: epoll would report it for ever
        except OSError:
            self._break()

    def _connected(self) -> None:
        error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "connect")
        self._connecting = False
        self._reading = True

    def _receive(self) -> None:
        try:
            data = self._read()
        except BlockingIOError:
            return
        if not data:
            self._reading = False
            self._adjust()
        self._listener.received(data)

    def _flush(self) -> None:
        try:
            while self._out:
                sent = self._sock.send(self._out)
                del self._out[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._break()
            return
        self._adjust()
        was_full, self._was_full = self._was_full, self.full
        if was_full and not self.full and not self.closed:
            self._listener.drained()

    def _adjust(self) -> None:
        """Wait for what is wanted now: room while something is to be written, input while not too much is."""
        if self.closed:
            return
        if self._ending and not self._out:
            self.close()
            return
        wanted = WRITE if self._out or self._connecting else 0
        if self._reading and not self.full:
            wanted |= READ
        if wanted != self._events:
            self._events = wanted
            self._loop.change(self._fd, wanted)

    def _break(self) -> None:
        if not self.closed:
            self.close()
            self._listener.lost()
