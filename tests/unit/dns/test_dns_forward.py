"""Upstreams that are slow, silent, wrong, forged or cut short, on loopback."""

import queue
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dnslib import RCODE, RR, DNSRecord

from weft.dns.forward import Asker, Forwarder
from weft.dns.resolver import Forward
from weft.dns.view import Upstream

_PATIENCE = 10  # seconds a test waits for what must come
QUERY = bytes(DNSRecord.question("Example.com").pack())


def answer(packet: bytes, *, rcode: int = RCODE.NOERROR, records: int = 1, tc: int = 0) -> bytes:
    reply = DNSRecord.parse(packet).reply()
    reply.header.rcode = rcode
    reply.header.tc = tc
    for number in range(records):
        reply.add_answer(*RR.fromZone(f"example.com 60 A 192.0.2.{number + 1}"))
    return bytes(reply.pack())


class Harness:
    def __init__(self, running: Any, **options: Any) -> None:
        self.opened: list[str] = []
        self.answers: queue.Queue[bytes] = queue.Queue()
        self.running = running
        self.forwarder = Forwarder(running.loop, self._open, **options)

    def _open(self, namespace: str, family: int, kind: int) -> socket.socket:
        if namespace == "/gone":
            raise FileNotFoundError(namespace)
        self.opened.append(namespace)
        return socket.socket(family, kind)

    def ask(self, *upstreams: Upstream, limit: int = 512, asker: Asker | None = None, packet: bytes = QUERY) -> None:
        forward = Forward(upstreams, limit)
        self.running.call(lambda: self.forwarder.submit(asker or Asker("/sandbox"), packet, forward, self.answers.put))

    def next(self) -> DNSRecord:
        packet = self.answers.get(timeout=_PATIENCE)
        assert packet[:2] == QUERY[:2]
        return DNSRecord.parse(packet)


@pytest.fixture
def harness(running_loop: Any) -> Iterator[Callable[..., Harness]]:
    made: list[Harness] = []

    def make(**options: Any) -> Harness:
        made.append(Harness(running_loop, **options))
        return made[-1]

    yield make
    for one in made:
        running_loop.call(one.forwarder.close)


def at(server: Any, *, inside: bool = False) -> Upstream:
    return Upstream("127.0.0.1", inside, server.port)


def test_the_query_goes_out_as_it_came_but_for_its_id(harness: Any, upstream: Any) -> None:
    server = upstream(answer)
    h = harness()
    for _ in range(20):
        h.ask(at(server))
        assert str(h.next().rr[0].rdata) == "192.0.2.1"
    assert {packet[2:] for packet in server.asked} == {QUERY[2:]}
    assert len({packet[:2] for packet in server.asked}) > 10


@pytest.mark.parametrize("rcode", [RCODE.SERVFAIL, RCODE.REFUSED])
def test_the_next_server_is_asked_where_one_fails(harness: Any, upstream: Any, rcode: int) -> None:
    bad = upstream(lambda packet: answer(packet, rcode=rcode, records=0))
    good = upstream(answer)
    h = harness()
    h.ask(at(bad), at(good))
    assert h.next().header.rcode == RCODE.NOERROR
    assert len(bad.asked) == len(good.asked) == 1


def test_nxdomain_is_passed_back_and_nobody_else_asked(harness: Any, upstream: Any) -> None:
    first = upstream(lambda packet: answer(packet, rcode=RCODE.NXDOMAIN, records=0))
    second = upstream(answer)
    h = harness()
    h.ask(at(first), at(second))
    assert h.next().header.rcode == RCODE.NXDOMAIN
    assert not second.asked


def test_a_silent_server_is_given_up_for_the_next(harness: Any, upstream: Any) -> None:
    silent, good = upstream(lambda packet: None), upstream(answer)
    h = harness(timeout=0.1)
    h.ask(at(silent), at(good))
    assert h.next().header.rcode == RCODE.NOERROR


def test_no_server_left_is_servfail(harness: Any, upstream: Any) -> None:
    silent = upstream(lambda packet: None)
    refusing = upstream(lambda packet: answer(packet, rcode=RCODE.REFUSED, records=0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = nobody.getsockname()[1]
    h = harness(timeout=0.1)
    h.ask(at(refusing), at(silent), Upstream("127.0.0.1", False, closed))
    reply = h.next()
    assert reply.header.rcode == RCODE.SERVFAIL
    assert str(reply.q.qname) == "Example.com."
    h.ask()
    assert h.next().header.rcode == RCODE.SERVFAIL


@pytest.mark.parametrize(
    "forge",
    [
        lambda packet: b"",
        lambda packet: packet,  # a query, not an answer
        lambda packet: bytes([packet[0] ^ 0xFF]) + answer(packet)[1:],  # another id
        lambda packet: answer(packet[:2] + bytes(DNSRecord.question("evil.com").pack())[2:]),  # another question
        lambda packet: answer(packet)[:7],
    ],
)
def test_a_forged_answer_is_not_taken(harness: Any, upstream: Any, forge: Callable[[bytes], bytes]) -> None:
    server, good = upstream(lambda packet: forge(packet) or None), upstream(lambda packet: answer(packet, records=2))
    h = harness(timeout=0.1)
    h.ask(at(server), at(good))
    assert len(h.next().rr) == 2


def test_a_cut_answer_is_fetched_over_tcp(harness: Any, upstream: Any) -> None:
    server = upstream(lambda p: answer(p, tc=1, records=0), lambda p: answer(p, records=200))
    h = harness()
    h.ask(at(server), limit=65535)
    assert len(h.next().rr) == 200
    h.ask(at(server), limit=512)
    cut = h.next()
    assert cut.header.tc == 1
    assert not cut.rr
    assert len(server.asked_by_stream) == 2


def test_a_tcp_connection_that_breaks_is_given_up_for_the_next(harness: Any, upstream: Any) -> None:
    server = upstream(lambda p: answer(p, tc=1, records=0), lambda p: None)
    good = upstream(answer)
    h = harness()
    h.ask(at(server), at(good))
    assert len(h.next().rr) == 1


def test_servers_are_asked_from_where_they_belong(harness: Any, upstream: Any) -> None:
    server = upstream(answer)
    h = harness()
    h.ask(at(server))
    h.next()
    h.ask(at(server, inside=True))
    h.next()
    assert h.opened == ["", "/sandbox"]


def test_a_namespace_that_has_gone_counts_as_a_failing_server(harness: Any, upstream: Any) -> None:
    server = upstream(answer)
    h = harness()
    h.ask(at(server, inside=True), at(server), asker=Asker("/gone"))
    assert h.next().header.rcode == RCODE.NOERROR


def test_many_queries_may_be_in_flight_over_several_ports(
    harness: Any, upstream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft.dns.forward._LANE_USES", 50)
    waiting: list[bytes] = []
    server = upstream(lambda packet: waiting.append(packet))
    h = harness(timeout=1.0)
    good = upstream(lambda packet: packet[:2] + b"\x81\x80" + packet[4:])
    for _ in range(200):
        h.ask(at(server), at(good))
    for _ in range(200):
        assert h.next().header.rcode == RCODE.NOERROR
    assert len(h.opened) >= 4


def test_no_sandbox_takes_all_memory_from_the_others(harness: Any, upstream: Any) -> None:
    silent, good = upstream(lambda packet: None), upstream(answer)
    h = harness(timeout=0.5, budget=32_000)
    greedy, modest = Asker("/a"), Asker("/b")
    for _ in range(20):
        h.ask(at(silent), asker=greedy)
    h.ask(at(good), asker=modest)
    replies = [h.next().header.rcode for _ in range(21)]
    refused = replies.count(RCODE.REFUSED)
    assert 5 <= refused < 20
    assert replies.count(RCODE.NOERROR) == 1
    assert replies.count(RCODE.SERVFAIL) == 20 - refused
    assert greedy.held == modest.held == 0


def test_a_released_sandbox_leaves_nothing_open_and_hears_no_more(harness: Any, upstream: Any) -> None:
    silent = upstream(lambda packet: None)
    h = harness(timeout=0.3)
    asker = Asker("/sandbox")
    h.ask(at(silent, inside=True), asker=asker)
    h.ask(at(silent), asker=asker)
    h.running.call(lambda: h.forwarder.release(asker))
    assert all(route[0] == "" for route in h.running.call(lambda: list(h.forwarder._lanes)))
    with pytest.raises(queue.Empty):
        h.answers.get(timeout=0.8)
    assert asker.held == 0
