"""Serves sandboxes on sockets that it is handed open: UDP drained in rounds, TCP with several queries a connection."""

import socket
from collections import OrderedDict
from contextlib import suppress

from weft.dns.channel import Channel
from weft.dns.forward import Asker, Forwarder
from weft.dns.loop import Loop
from weft.dns.resolver import Forward, handle
from weft.dns.view import Directory, Slot, ViewSpec

_ROUND = 64  # datagrams answered before another sandbox has its turn
_LARGEST_QUERY = 4096  # bytes
_RECEIVE_BUFFER = 1024 * 1024  # bytes a UDP socket, used only while a burst waits
_MOST_CONNECTIONS = 256  # TCP, a sandbox; one more closes the one that was silent longest
_IDLE = 10.0  # seconds a connection may be silent (RFC 7766 section 6.2.3)
_MOST_ACCEPTED = 32  # connections taken before another sandbox has its turn
_LCG_FACTOR, _LCG_STEP, _LCG_MASK = 1103515245, 12345, 0x7FFFFFFF


class UdpPort:
    """A sandbox's UDP socket."""

    def __init__(self, sock: socket.socket, slot: Slot, asker: Asker, forwarder: Forwarder) -> None:
        self.sock = sock
        self.slot = slot
        self._asker = asker
        self._forwarder = forwarder
        self._turn = 0

    def ready(self, _: int) -> None:
        """Answer what has arrived."""
        receive, send, view, turn = self.sock.recvfrom, self.sock.sendto, self.slot.view, self._turn
        try:
            for _ in range(_ROUND):
                packet, client = receive(_LARGEST_QUERY)
                # The high bits of a linear congruential generator: a counter would meet clients that ask A and AAAA
                # in turn always with the same first address.
                turn = turn * _LCG_FACTOR + _LCG_STEP & _LCG_MASK
                outcome = handle(packet, view, turn >> 16)
                if isinstance(outcome, bytes):
                    send(outcome, client)
                elif outcome is not None:
                    self._forwarder.submit(self._asker, packet, outcome, _Return(self.sock, client))
        except OSError:
            pass  # nothing is left, or an answer could not leave: then it is as lost as any datagram may be
        self._turn = turn


class _Return:
    """Where a forwarded query's answer goes."""

    __slots__ = ("_client", "_sock")

    def __init__(self, sock: socket.socket, client: tuple[str, int]) -> None:
        self._sock = sock
        self._client = client

    def __call__(self, response: bytes) -> None:
        with suppress(OSError):  # as above
            self._sock.sendto(response, self._client)


class Connection:
    """A client's TCP connection: queries with a length prefix, answered in the order they are ready (RFC 7766)."""

    def __init__(self, port: "TcpPort", sock: socket.socket, loop: Loop) -> None:
        self._port = port
        self._arrived = bytearray()
        self._waiting = 0  # forwarded queries without an answer yet
        self._ended = False
        self.heard = loop.now()
        self.channel = Channel(loop, sock, self)

    def received(self, data: bytes) -> None:
        self._arrived += data
        self._ended = not data
        self._port.heard(self)
        self.drained()

    def drained(self) -> None:
        """Serve what has arrived whole, as far as its answers can be written."""
        while not self.channel.full and len(self._arrived) >= 2:
            size = int.from_bytes(self._arrived[:2], "big") + 2
            if len(self._arrived) < size:
                break
            packet = bytes(self._arrived[2:size])
            del self._arrived[:size]
            self._serve(packet)
        if self._ended and not self.channel.full and not self._waiting:
            self.channel.close_when_sent()  # the client asks no more and has all its answers
            self._port.forget(self)

    def lost(self) -> None:
        self._port.forget(self)

    def _serve(self, packet: bytes) -> None:
        outcome = self._port.handle(packet)
        if isinstance(outcome, bytes):
            self._send(outcome)
        elif outcome is not None:
            self._waiting += 1
            self._port.forwarder.submit(self._port.asker, packet, outcome, self._forwarded)

    def _forwarded(self, response: bytes) -> None:
        self._waiting -= 1
        self._send(response)
        if self._ended:
            self.drained()

    def _send(self, response: bytes) -> None:
        self.channel.send(len(response).to_bytes(2, "big") + response)


class TcpPort:
    """A sandbox's listening TCP socket and its connections, the one silent longest first."""

    def __init__(self, sock: socket.socket, slot: Slot, asker: Asker, forwarder: Forwarder, loop: Loop) -> None:
        self.sock = sock
        self.slot = slot
        self.asker = asker
        self.forwarder = forwarder
        self._loop = loop
        self._turn = 0
        self._connections: OrderedDict[Connection, None] = OrderedDict()
        self._sweeping = False

    def ready(self, _: int) -> None:
        """Take waiting connections."""
        for _ in range(_MOST_ACCEPTED):
            try:
                sock, _client = self.sock.accept()
            except OSError:
                return  # none waits, or its client has gone again
            sock.setblocking(False)
            if len(self._connections) >= _MOST_CONNECTIONS:
                oldest = next(iter(self._connections))
                oldest.channel.close()
                self.forget(oldest)
            self._connections[Connection(self, sock, self._loop)] = None
            self._keep_sweeping()

    def handle(self, packet: bytes) -> bytes | Forward | None:
        """Return what the resolver makes of a query."""
        self._turn = self._turn * _LCG_FACTOR + _LCG_STEP & _LCG_MASK
        return handle(packet, self.slot.view, self._turn >> 16, stream=True)

    def heard(self, connection: Connection) -> None:
        """Note that a connection is alive."""
        connection.heard = self._loop.now()
        if connection in self._connections:
            self._connections.move_to_end(connection)

    def forget(self, connection: Connection) -> None:
        """Note that a connection has ended."""
        self._connections.pop(connection, None)

    def close(self) -> None:
        """Close the socket and every connection."""
        for connection in self._connections:
            connection.channel.close()
        self._connections.clear()
        self._loop.forget(self.sock.fileno())
        self.sock.close()

    def _keep_sweeping(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            self._loop.later(_IDLE / 4, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = False
        oldest_allowed = self._loop.now() - _IDLE
        while self._connections:
            connection = next(iter(self._connections))
            if connection.heard > oldest_allowed:
                self._keep_sweeping()
                return
            connection.channel.close()
            self.forget(connection)


class Sandbox:
    """A sandbox's two ports and its place in the directory."""

    def __init__(self, udp: UdpPort, tcp: TcpPort, asker: Asker) -> None:
        self.udp = udp
        self.tcp = tcp
        self.asker = asker


class Server:
    """All sandboxes. Errors: LookupError where a sandbox is not held, OSError where a descriptor is no socket."""

    def __init__(self, loop: Loop, forwarder: Forwarder) -> None:
        self.directory = Directory()
        self._loop = loop
        self._forwarder = forwarder
        self._sandboxes: dict[str, Sandbox] = {}

    def held(self) -> list[str]:
        """Return the ids of all sandboxes."""
        return list(self._sandboxes)

    def open(self, ident: str, udp: socket.socket, tcp: socket.socket, namespace: str, spec: ViewSpec) -> None:
        """Serve a sandbox on these sockets, which now belong to the server; in place of what it had before."""
        self.close(ident)
        udp.setblocking(False)
        tcp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        asker = Asker(namespace)
        slot = self.directory.acquire(spec)
        ports = Sandbox(
            UdpPort(udp, slot, asker, self._forwarder), TcpPort(tcp, slot, asker, self._forwarder, self._loop), asker
        )
        self._sandboxes[ident] = ports
        self._loop.watch(udp.fileno(), ports.udp.ready)
        self._loop.watch(tcp.fileno(), ports.tcp.ready)

    def update(self, ident: str, spec: ViewSpec) -> None:
        """Swap what a sandbox sees."""
        sandbox = self._sandboxes.get(ident)
        if sandbox is None:
            raise LookupError(f"No such sandbox: {ident}")
        old = sandbox.udp.slot
        sandbox.udp.slot = sandbox.tcp.slot = self.directory.acquire(spec)
        self.directory.release(old)

    def close(self, ident: str) -> None:
        """Close a sandbox's sockets, so that its namespace may end; nothing where it is not held."""
        sandbox = self._sandboxes.pop(ident, None)
        if sandbox is None:
            return
        self._forwarder.release(sandbox.asker)
        self._loop.forget(sandbox.udp.sock.fileno())
        sandbox.udp.sock.close()
        sandbox.tcp.close()
        self.directory.release(sandbox.udp.slot)

    def close_all(self) -> None:
        """Close everything."""
        for ident in self.held():
            self.close(ident)
        self._forwarder.close()
