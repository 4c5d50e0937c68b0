"""Sandboxes served on loopback sockets, UDP and TCP."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest
from dnslib import RCODE, RR, DNSRecord

from weft.dns.forward import Forwarder
from weft.dns.server import Server
from weft.dns.view import ViewSpec
from weft.dns.zone import endpoint

SPEC = ViewSpec((("n1", "net"),))
_PATIENCE = 10


class Served:
    def __init__(self, running: Any) -> None:
        self.running = running
        self.namespaces: list[str] = []
        self.server = Server(running.loop, Forwarder(running.loop, self._open))
        self.ports: dict[str, int] = {}

    def _open(self, namespace: str, family: int, kind: int) -> socket.socket:
        raise OSError("nothing to ask")

    def open(self, ident: str, spec: ViewSpec = SPEC) -> None:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        self.ports[ident] = udp.getsockname()[1]
        tcp = socket.create_server(("127.0.0.1", self.ports[ident]))
        self.running.call(lambda: self.server.open(ident, udp, tcp, f"/{ident}", spec))

    def publish(self, network: str, ident: str, *names: str, addresses: tuple[str, ...] = ("10.0.0.2",)) -> None:
        entry = endpoint(names, [ip_address(a).packed for a in addresses])
        self.running.call(lambda: self.server.directory.publish(network, ident, entry))

    def ask(self, ident: str, name: str) -> DNSRecord:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(_PATIENCE)
            client.sendto(bytes(DNSRecord.question(name).pack()), ("127.0.0.1", self.ports[ident]))
            return DNSRecord.parse(client.recv(65535))

    def connect(self, ident: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[ident]), timeout=_PATIENCE)


@pytest.fixture
def served(running_loop: Any) -> Iterator[Served]:
    made = Served(running_loop)
    yield made
    running_loop.call(made.server.close_all)


def frame(name: str, ident: int) -> bytes:
    question = DNSRecord.question(name)
    question.header.id = ident
    packet = bytes(question.pack())
    return len(packet).to_bytes(2, "big") + packet


def read_frame(stream: Any) -> DNSRecord:
    return DNSRecord.parse(stream.read(int.from_bytes(stream.read(2), "big")))


def test_a_name_answers_as_soon_as_it_is_published_and_not_after_it_is_withdrawn(served: Served) -> None:
    served.open("s1")
    assert served.ask("s1", "web").header.rcode == RCODE.SERVFAIL
    served.publish("n1", "e1", "web")
    assert str(served.ask("s1", "web").rr[0].rdata) == "10.0.0.2"
    served.running.call(lambda: served.server.directory.withdraw("n1", "e1"))
    assert served.ask("s1", "web").header.rcode == RCODE.SERVFAIL


def test_sandboxes_see_their_own_networks_only(served: Served) -> None:
    served.open("s1")
    served.open("s2", ViewSpec((("n2", "other"),)))
    served.publish("n1", "e1", "web", addresses=("10.0.0.2",))
    served.publish("n2", "e2", "web", addresses=("10.9.0.2",))
    assert str(served.ask("s1", "web").rr[0].rdata) == "10.0.0.2"
    assert str(served.ask("s2", "web").rr[0].rdata) == "10.9.0.2"
    served.running.call(lambda: served.server.update("s2", ViewSpec((("n1", "net"), ("n2", "other")))))
    assert str(served.ask("s2", "web").rr[0].rdata) == "10.0.0.2"
    assert str(served.ask("s2", "web.other").rr[0].rdata) == "10.9.0.2"


def test_zones_are_replaced_whole(served: Served) -> None:
    served.open("s1")
    served.publish("n1", "e1", "old")
    zones = {"n1": {"e2": endpoint(["new"], [bytes(4)])}}
    served.running.call(lambda: served.server.directory.replace(zones))
    assert served.ask("s1", "old").header.rcode == RCODE.SERVFAIL
    assert str(served.ask("s1", "new").rr[0].rdata) == "0.0.0.0"


def test_several_queries_travel_over_one_connection_in_pieces(served: Served) -> None:
    served.open("s1")
    served.publish("n1", "big", "big", addresses=tuple(f"10.0.{i // 250}.{i % 250 + 1}" for i in range(1000)))
    with served.connect("s1") as client, client.makefile("rb") as stream:
        both = frame("big", 1) + frame("nobody", 2)
        for byte in both[:20]:
            client.sendall(bytes([byte]))
        client.sendall(both[20:])
        first, second = read_frame(stream), read_frame(stream)
        assert (first.header.id, len(first.rr), first.header.tc) == (1, 1000, 0)
        assert (second.header.id, second.header.rcode) == (2, RCODE.SERVFAIL)


def test_a_client_that_shuts_its_side_still_gets_its_answers(served: Served) -> None:
    served.open("s1")
    served.publish("n1", "big", "big", addresses=tuple(f"10.0.{i // 250}.{i % 250 + 1}" for i in range(1000)))
    with served.connect("s1") as client, client.makefile("rb") as stream:
        client.sendall(b"".join(frame("big", i) for i in range(100)))
        client.shutdown(socket.SHUT_WR)
        assert [len(read_frame(stream).rr) for _ in range(100)] == [1000] * 100
        assert stream.read() == b""


def test_a_client_that_does_not_read_is_not_read_either(served: Served) -> None:
    served.open("s1")
    served.publish("n1", "big", "big", addresses=tuple(f"10.0.{i // 250}.{i % 250 + 1}" for i in range(1000)))
    with served.connect("s1") as client:
        client.setblocking(False)
        flood = frame("big", 7) * 10_000
        with suppress(BlockingIOError):
            for _ in range(1000):
                client.send(flood)
                served.running.call(lambda: None)
        [connection] = next(iter(served.server._sandboxes.values())).tcp._connections
        assert len(connection.channel._out) < 512 * 1024
        assert len(connection._arrived) < 128 * 1024


def test_nonsense_over_tcp_is_answered_and_survived(served: Served) -> None:
    served.open("s1")
    served.publish("n1", "e1", "web")
    with served.connect("s1") as client, client.makefile("rb") as stream:
        client.sendall(
            b"\0\0" + b"\0\x05junk!" + b"\0\x0e" + b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x3f\x3f" + frame("web", 9)
        )
        assert stream.read(2) == b"\0\x0c"
        assert stream.read(12)[3] & 0xF == RCODE.FORMERR
        assert str(read_frame(stream).rr[0].rdata) == "10.0.0.2"


def test_the_connection_silent_longest_makes_room_for_a_new_one(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft.dns.server._MOST_CONNECTIONS", 2)
    served.open("s1")
    served.publish("n1", "e1", "web")
    with served.connect("s1") as first, served.connect("s1") as second:
        for client in (second, first):  # now the second is silent longest
            client.sendall(frame("web", 1))
            read_frame(client.makefile("rb"))
        with served.connect("s1") as third:
            third.sendall(frame("web", 3))
            read_frame(third.makefile("rb"))
            assert second.recv(1) == b""
            first.sendall(frame("web", 4))
            assert read_frame(first.makefile("rb")).header.id == 4


def test_an_idle_connection_is_closed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.dns.server._IDLE", 0.1)
    served.open("s1")
    with served.connect("s1") as client:
        assert client.recv(1) == b""


def test_closing_a_sandbox_closes_its_sockets_and_opening_it_again_replaces_them(served: Served) -> None:
    served.open("s1")
    old = served.ports["s1"]
    with served.connect("s1") as connection, connection.makefile("rb") as stream:
        connection.sendall(frame("nobody", 1))
        read_frame(stream)
        served.open("s1")
        assert stream.read() == b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", old))
    assert served.running.call(served.server.held) == ["s1"]
    served.running.call(lambda: served.server.close("s1"))
    served.running.call(lambda: served.server.close("s1"))
    assert served.running.call(served.server.held) == []
    assert not served.server.directory._slots
    assert not served.server.directory._slots_of


def test_views_are_shared_by_sandboxes_of_one_spec(served: Served) -> None:
    for ident in ("s1", "s2", "s3"):
        served.open(ident)
    slots = {sandbox.udp.slot for sandbox in served.server._sandboxes.values()}
    assert len(slots) == 1


def test_forwarded_answers_come_back_on_both_transports(running_loop: Any, upstream: Any) -> None:
    def reply(packet: bytes) -> bytes:
        record = DNSRecord.parse(packet).reply()
        record.add_answer(*RR.fromZone("example.com 60 A 192.0.2.7"))
        return bytes(record.pack())

    fake = upstream(reply)
    served = Served(running_loop)

    def redirect(namespace: str, family: int, kind: int) -> socket.socket:
        class Redirected(socket.socket):
            def connect(self, address: Any) -> None:
                super().connect(("127.0.0.1", fake.port))

        return Redirected(family, kind)

    served.server = Server(running_loop.loop, Forwarder(running_loop.loop, redirect))
    served.open("s1", SPEC._replace(host_upstreams=("192.0.2.53",)))
    try:
        assert str(served.ask("s1", "example.com").rr[0].rdata) == "192.0.2.7"
        with served.connect("s1") as client, client.makefile("rb") as stream:
            client.sendall(frame("example.com", 5))
            client.shutdown(socket.SHUT_WR)
            assert str(read_frame(stream).rr[0].rdata) == "192.0.2.7"
    finally:
        running_loop.call(served.server.close_all)
