"""TCP: one listening socket for all ports, pairs of connections, and splice(2): the kernel moves their bytes."""

import errno
import os
import socket
import struct
from contextlib import suppress

from weft.dns.loop import READ, WRITE, Loop
from weft.relay.gate import Gate, gate_of
from weft.relay.original import original_destination
from weft.relay.protocol import Target

_ANYWHERE = "::"
_CHUNK = 65536  # bytes: what a pipe holds
_ROUNDS = 8  # chunks a direction before others have their turn
_ACCEPTS = 32  # connections before others have their turn
_PAUSE = 0.1  # seconds without accepting while descriptors are short
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger
_SPLICE = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK


def family_of(address: str) -> socket.AddressFamily:
    """Return the family of a textual address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Streams:
    """All TCP ports: the firewall redirects their connections to one listening socket, and remembers where they went.

    Connections that are under way outlive their port, and its change.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._sock: socket.socket | None = None
        self._ports: dict[tuple[str, int], tuple[Target, Gate | None]] = {}

    @property
    def port(self) -> int:
        """The port of the listening socket, 0 without one."""
        return int(self._sock.getsockname()[1]) if self._sock is not None else 0

    def listen(self, sock: socket.socket) -> None:
        """Take a listening socket, in place of a former one."""
        self.close()
        self._sock = sock
        sock.setblocking(False)
        self._loop.watch(sock.fileno(), self._accept)

    def close(self) -> None:
        """Accept nothing more."""
        if self._sock is not None:
            self._loop.forget(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def target(self, address: str, port: int) -> Target | None:
        """Return where a port leads; None for one that is not held."""
        held = self._ports.get((address, port))
        return held[0] if held is not None else None

    def aim(self, address: str, port: int, target: Target) -> None:
        """Let new connections to a port lead to `target`; ValueError for an exposure that cannot be read."""
        self._ports[address, port] = (target, gate_of(target.exposure))

    def forget(self, address: str, port: int) -> None:
        """Refuse connections to a port from now on; one that is not held is no error."""
        self._ports.pop((address, port), None)

    def _accept(self, _: int) -> None:
        for _ in range(_ACCEPTS):
            if self._sock is None:
                return
            try:
                client, address = self._sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:  # no descriptors, no memory: they come back as connections end
                self._loop.forget(self._sock.fileno())
                self._loop.later(_PAUSE, self._resume)
                return
            self._admit(client, address[0])

    def _admit(self, client: socket.socket, source: str) -> None:
        try:
            place, port = original_destination(client)
            target, gate = self._ports.get((place, port)) or self._ports[_ANYWHERE, port]
        except (KeyError, OSError):  # not redirected, or no longer published
            _reset(client)
            return
        if gate is None or gate(source, client.getsockname()[0]):
            self._begin(client, target)
        else:
            _reset(client)

    def _resume(self) -> None:
        if self._sock is not None:
            self._loop.watch(self._sock.fileno(), self._accept)

    def _begin(self, client: socket.socket, target: Target) -> None:
        server = None
        try:
            server = socket.socket(family_of(target.address), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            error = server.connect_ex((target.address, target.port))
            if error not in (0, errno.EINPROGRESS):
                raise OSError(error, "connect")
            Pair(self._loop, client, server)
        except OSError:
            for each in (client, server):
                if each is not None:
                    each.close()


class _Direction:
    """Bytes from one socket to the other, through a pipe. `held` are bytes in the pipe."""

    __slots__ = ("done", "ended", "held", "pipe_in", "pipe_out", "sink", "source")

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.pipe_out, self.pipe_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.held = 0
        self.ended = False  # the source will send no more
        self.done = False  # and the sink knows it

    def pump(self) -> None:
        """Move what can be moved now. Raises OSError where one side is gone."""
        for _ in range(_ROUNDS):
            if not self.held and not self._fill():
                break
            if not self._drain():
                return
        if self.ended and not self.held and not self.done:
            self.done = True
            with suppress(OSError):  # gone already: the other direction will tell
                self.sink.shutdown(socket.SHUT_WR)

    def _fill(self) -> bool:
        if self.ended:
            return False
        try:
            self.held = os.splice(self.source.fileno(), self.pipe_in, _CHUNK, flags=_SPLICE)
        except BlockingIOError:
            return False
        self.ended = self.held == 0
        return self.held > 0

    def _drain(self) -> bool:
        """Whether the pipe is empty afterwards."""
        try:
            while self.held:
                self.held -= os.splice(self.pipe_out, self.sink.fileno(), self.held, flags=_SPLICE)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self.pipe_out)
        os.close(self.pipe_in)


class Pair:
    """A client's connection and one to the container, `server`, which is being made; each end of stream is passed on.

    Nothing is read from a side while the other has not taken what came before. A reset on one side resets the other.
    """

    def __init__(self, loop: Loop, client: socket.socket, server: socket.socket) -> None:
        self._loop = loop
        self._client, self._server = client, server
        self._there = _Direction(client, server)
        try:
            self._back = _Direction(server, client)
        except OSError:
            self._there.close()
            raise
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connecting = True
        self._closed = False
        self._events = {client: 0, server: 0}
        self._want(server, WRITE)

    def _ready(self, _: int) -> None:
        if self._closed:
            return
        try:
            if self._connecting:
                error = self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, "connect")
                self._connecting = False
            self._there.pump()
            self._back.pump()
        except OSError:
            self._reset()
            return
        if self._there.done and self._back.done:
            self._close()
            return
        self._want(self._client, _wanted(self._there, self._back))
        self._want(self._server, _wanted(self._back, self._there))

    def _want(self, sock: socket.socket, events: int) -> None:
        """Wait for other events; none at all where nothing is wanted, since epoll would go on telling of a hang-up."""
        before, self._events[sock] = self._events[sock], events
        if events == before:
            return
        if not events:
            self._loop.forget(sock.fileno())
        elif before:
            self._loop.change(sock.fileno(), events)
        else:
            self._loop.watch(sock.fileno(), self._ready, events)

    def _reset(self) -> None:
        for sock in (self._client, self._server):
            self._want(sock, 0)
            _reset(sock)
        self._close()

    def _close(self) -> None:
        self._closed = True
        for sock in (self._client, self._server):
            self._want(sock, 0)
            sock.close()
        self._there.close()
        self._back.close()


def _reset(sock: socket.socket) -> None:
    """Close a connection so that its peer sees that it broke."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    sock.close()


def _wanted(reads: _Direction, writes: _Direction) -> int:
    """Return the events to wait for on a socket that is the source of one direction and the sink of the other."""
    wanted = 0 if reads.ended or reads.held else READ
    return wanted | (WRITE if writes.held else 0)
