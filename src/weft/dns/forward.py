"""Asks upstream servers: over UDP, over TCP where the answer is cut; the next one where one fails (RFC 5452 checks)."""

import os
import socket
from collections.abc import Callable, Iterator

from weft.dns import message
from weft.dns.channel import Channel
from weft.dns.loop import Loop
from weft.dns.resolver import Forward, failure
from weft.dns.view import Upstream

TIMEOUT = 4.0  # seconds an upstream has
_SWEEP = 0.25  # seconds between looks at what is overdue
_LANE_USES = 256  # queries a socket, then another source port
_LANE_IDLE = 10.0  # seconds
_BUDGET = 32 * 1024 * 1024  # bytes that queries in flight may hold together
_COST = 1500  # bytes that one holds besides itself, measured generously
_TRY_NEXT = frozenset({message.SERVFAIL, message.REFUSED})

Opener = Callable[[str, int, int], socket.socket]  # (namespace's path or "" for the host's, family, type)
Reply = Callable[[bytes], None]
Route = tuple[str, str, int]  # namespace, address, port


class Asker:
    """A sandbox as the forwarder knows it: where its own servers are asked from, and what it has in flight."""

    __slots__ = ("gone", "held", "namespace")

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.held = 0  # bytes
        self.gone = False


class Exchange:
    """A query under way, with the servers not asked yet."""

    __slots__ = ("asker", "deadline", "limit", "packet", "question", "reply", "rest", "upstream")

    def __init__(self, asker: Asker, packet: bytes, forward: Forward, reply: Reply) -> None:
        self.asker = asker
        self.packet = packet
        self.question = message.question_of(packet)
        self.rest: Iterator[Upstream] = iter(forward.upstreams)
        self.limit = forward.limit
        self.reply = reply
        self.deadline = 0.0
        self.upstream: Upstream | None = None


class Lane:
    """A connected UDP socket and what was asked through it, oldest first."""

    __slots__ = ("last_used", "pending", "route", "sock", "uses")

    def __init__(self, route: Route, sock: socket.socket) -> None:
        self.route = route
        self.sock = sock
        self.pending: dict[bytes, Exchange] = {}  # by the random id
        self.uses = 0
        self.last_used = 0.0


class Stream:
    """One question asked over TCP; the answer may arrive in pieces."""

    def __init__(self, forwarder: "Forwarder", route: Route, sock: socket.socket, exchange: Exchange) -> None:
        self.route = route
        self.exchange = exchange
        self._forwarder = forwarder
        self._ident = os.urandom(2)
        self._arrived = bytearray()
        self.channel = Channel(forwarder.loop, sock, self, connecting=True)
        query = self._ident + exchange.packet[2:]
        self.channel.send(len(query).to_bytes(2, "big") + query)

    def received(self, data: bytes) -> None:
        self._arrived += data
        size = int.from_bytes(self._arrived[:2], "big") + 2
        if len(self._arrived) >= 2 and len(self._arrived) >= size:
            response = bytes(self._arrived[2:size])
            answers = response[:2] == self._ident and _answers(response, self.exchange)
            self._forwarder.stream_ended(self, response if answers else None)
        elif not data:
            self._forwarder.stream_ended(self, None)

    def drained(self) -> None:
        """Nothing: one query is all there is to send."""

    def lost(self) -> None:
        self._forwarder.stream_ended(self, None)


class Forwarder:
    """Has any number of queries in flight within a budget of memory, and no sandbox more than what is left free."""

    def __init__(self, loop: Loop, opener: Opener, *, timeout: float = TIMEOUT, budget: int = _BUDGET) -> None:
        self.loop = loop
        self._opener = opener
        self._timeout = timeout
        self._free = budget
        self._lanes: dict[Route, list[Lane]] = {}
        self._streams: set[Stream] = set()
        self._sweeping = False

    def submit(self, asker: Asker, packet: bytes, forward: Forward, reply: Reply) -> None:
        """Answer through `reply`, sooner or later, once: with a server's answer under the query's id, or a failure."""
        cost = len(packet) + _COST
        if asker.held + cost > self._free:
            reply(failure(packet, message.REFUSED))
            return
        asker.held += cost
        self._free -= cost
        self._advance(Exchange(asker, packet, forward, reply))

    def release(self, asker: Asker) -> None:
        """Let go of everything that belongs to a sandbox: its namespace must be free to end."""
        asker.gone = True
        for route in [route for route in self._lanes if route[0] and route[0] == asker.namespace]:
            for lane in list(self._lanes.get(route, ())):
                self._abandon(lane)
        for stream in [s for s in self._streams if s.route[0] and s.route[0] == asker.namespace]:
            self.stream_ended(stream, None)

    def close(self) -> None:
        """Close every socket; queries in flight stay unanswered."""
        for lanes in self._lanes.values():
            for lane in lanes:
                self._close(lane)
        for stream in self._streams:
            stream.channel.close()
        self._lanes.clear()
        self._streams.clear()

    def stream_ended(self, stream: Stream, response: bytes | None) -> None:
        """Take what came over TCP; None: nothing usable."""
        stream.channel.close()
        self._streams.discard(stream)
        if response is None or message.rcode_of(response) in _TRY_NEXT:
            self._advance(stream.exchange)
        else:
            self._finish(stream.exchange, response)

    def _advance(self, exchange: Exchange) -> None:
        """Ask the next server that can be asked at all; none is left: SERVFAIL."""
        if not exchange.asker.gone:
            for upstream in exchange.rest:
                exchange.upstream = upstream
                try:
                    self._ask(exchange, self._route(exchange, upstream))
                except OSError:
                    continue  # no route, no such namespace, refused at once
                return
        self._finish(exchange, failure(exchange.packet, message.SERVFAIL))

    def _route(self, exchange: Exchange, upstream: Upstream) -> Route:
        return (exchange.asker.namespace if upstream.inside else "", upstream.address, upstream.port)

    def _ask(self, exchange: Exchange, route: Route) -> None:
        lane = self._lane(route)
        ident = os.urandom(2)
        while ident in lane.pending:
            ident = os.urandom(2)
        lane.sock.send(ident + exchange.packet[2:])
        lane.uses += 1
        lane.last_used = self.loop.now()
        exchange.deadline = lane.last_used + self._timeout
        lane.pending[ident] = exchange
        self._keep_sweeping()

    def _lane(self, route: Route) -> Lane:
        lanes = self._lanes.get(route)
        if lanes and lanes[-1].uses < _LANE_USES:
            return lanes[-1]
        sock = self._connect(route, socket.SOCK_DGRAM)
        lane = Lane(route, sock)
        lane.last_used = self.loop.now()
        self._lanes.setdefault(route, []).append(lane)
        self.loop.watch(sock.fileno(), lambda events: self._drain(lane))
        self._keep_sweeping()
        return lane

    def _connect(self, route: Route, kind: int) -> socket.socket:
        namespace, address, port = route
        family, _, _, _, target = socket.getaddrinfo(address, port, type=kind, flags=socket.AI_NUMERICHOST)[0]
        sock = self._opener(namespace, family, kind)
        try:
            sock.setblocking(False)
            sock.connect(target)
        except BlockingIOError:
            return sock  # a TCP connection under way
        except BaseException:
            sock.close()
            raise
        return sock

    def _drain(self, lane: Lane) -> None:
        while True:
            try:
                response = lane.sock.recv(message.LARGEST_MESSAGE)
            except BlockingIOError:
                return
            except OSError:
                self._abandon(lane)  # port unreachable: true for all that was asked through it
                return
            exchange = lane.pending.get(response[:2])
            if exchange is not None and _answers(response, exchange):
                del lane.pending[response[:2]]
                self._arrived(lane.route, exchange, response)

    def _arrived(self, route: Route, exchange: Exchange, response: bytes) -> None:
        if message.rcode_of(response) in _TRY_NEXT:
            self._advance(exchange)
        elif message.is_truncated(response):
            self._ask_by_stream(route, exchange)
        else:
            self._finish(exchange, response)

    def _ask_by_stream(self, route: Route, exchange: Exchange) -> None:
        if exchange.asker.gone:
            self._advance(exchange)
            return
        try:
            sock = self._connect(route, socket.SOCK_STREAM)
        except OSError:
            self._advance(exchange)
            return
        exchange.deadline = self.loop.now() + self._timeout
        self._streams.add(Stream(self, route, sock, exchange))
        self._keep_sweeping()

    def _finish(self, exchange: Exchange, response: bytes) -> None:
        cost = len(exchange.packet) + _COST
        exchange.asker.held -= cost
        self._free += cost
        if not exchange.asker.gone:
            exchange.reply(message.truncate(exchange.packet[:2] + response[2:], exchange.limit))

    def _abandon(self, lane: Lane) -> None:
        """Close a socket and ask the next server for all that waited on it."""
        self._lanes[lane.route].remove(lane)
        if not self._lanes[lane.route]:
            del self._lanes[lane.route]
        self._close(lane)
        waiting = list(lane.pending.values())
        lane.pending.clear()
        for exchange in waiting:
            self._advance(exchange)

    def _close(self, lane: Lane) -> None:
        self.loop.forget(lane.sock.fileno())
        lane.sock.close()

    def _keep_sweeping(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            self.loop.later(min(_SWEEP, self._timeout / 4), self._sweep)

    def _sweep(self) -> None:
        """Move on what has waited too long; close sockets that are used up or idle."""
        self._sweeping = False
        now = self.loop.now()
        for lane in [lane for lanes in self._lanes.values() for lane in lanes]:
            self._sweep_lane(lane, now)
        for stream in [s for s in self._streams if s.exchange.deadline <= now]:
            self.stream_ended(stream, None)
        if self._lanes or self._streams:
            self._keep_sweeping()

    def _sweep_lane(self, lane: Lane, now: float) -> None:
        overdue = []
        for ident, exchange in lane.pending.items():
            if exchange.deadline > now:
                break  # asked later than all before it
            overdue.append((ident, exchange))
        for ident, exchange in overdue:
            del lane.pending[ident]
            self._advance(exchange)
        done = lane.uses >= _LANE_USES or now - lane.last_used >= _LANE_IDLE
        if done and not lane.pending and lane in self._lanes.get(lane.route, ()):
            self._abandon(lane)


def _answers(response: bytes, exchange: Exchange) -> bool:
    """Whether a message is an answer to what was asked; errors may leave the question out."""
    if len(response) < message.HEADER_SIZE or not response[2] & 0x80:
        return False
    question = message.question_of(response)
    if question is None:
        return response[4:6] == b"\0\0" and message.rcode_of(response) not in (message.NOERROR, message.NXDOMAIN)
    return question == exchange.question
