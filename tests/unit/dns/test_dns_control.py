"""The control socket, spoken to directly: what is said wrong is refused and harms nothing."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dnslib import DNSRecord

from weft.dns.control import Verbs
from weft.dns.forward import Forwarder
from weft.dns.protocol import PROTOCOL, BadFrame, Decoder, encode, pack_view, unpack_view
from weft.dns.server import Server
from weft.dns.session import ControlSocket
from weft.dns.view import ViewSpec

VIEW = pack_view(ViewSpec((("n1", "net"),)))


class Client:
    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(path)
        self.decoder = Decoder()

    def say(self, verb: str, *arguments: Any, descriptors: tuple[int, ...] = ()) -> Any:
        socket.send_fds(self.sock, [encode(1, verb, *arguments)], descriptors)
        while True:
            for _, kind, result in self.decoder.feed(self.sock.recv(65536)):
                return kind, result[0]


@pytest.fixture
def control(running_loop: Any, tmp_path: Path) -> Iterator[Any]:
    path = str(tmp_path / "dns.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    server = Server(running_loop.loop, Forwarder(running_loop.loop, lambda *_: socket.socket()))
    reports: list[str] = []
    running_loop.call(lambda: ControlSocket(running_loop.loop, listener, PROTOCOL, Verbs(server), reports.append))
    clients: list[Client] = []

    def connect() -> Client:
        clients.append(Client(path))
        return clients[-1]

    connect.reports = reports  # type: ignore[attr-defined]
    yield connect
    for client in clients:
        client.sock.close()
    running_loop.call(server.close_all)
    running_loop.call(lambda: running_loop.loop.forget(listener.fileno()))
    listener.close()


def sockets() -> tuple[socket.socket, socket.socket]:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    return udp, socket.create_server(("127.0.0.1", udp.getsockname()[1]))


def ask(port: int, name: str) -> list[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(bytes(DNSRecord.question(name).pack()), ("127.0.0.1", port))
        return [str(rr.rdata) for rr in DNSRecord.parse(client.recv(65535)).rr]


def test_a_daemon_may_go_and_another_finds_everything_in_place(control: Any) -> None:
    first = control()
    assert first.say("hello")[1]["protocol"] == PROTOCOL
    udp, tcp = sockets()
    port = udp.getsockname()[1]
    with udp, tcp:
        assert first.say("open", "s1", "/ns", VIEW, descriptors=(udp.fileno(), tcp.fileno())) == ("ok", None)
    assert first.say("publish", "n1", "e1", ["web"], ["10.0.0.2"]) == ("ok", None)
    first.sock.close()
    assert ask(port, "web") == ["10.0.0.2"]
    second = control()
    assert second.say("sandboxes") == ("ok", ["s1"])
    assert second.say("replace-zones", {"n1": {"e9": [["web"], ["10.0.0.9", "fd00::9"]]}}) == ("ok", None)
    assert ask(port, "web") == ["10.0.0.9"]
    assert second.say("withdraw", "n1", "e9") == ("ok", None)
    assert second.say("close", "s1") == ("ok", None)
    assert second.say("close", "s1") == ("ok", None)
    assert second.say("sandboxes") == ("ok", [])


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (("update", "nobody", VIEW), "No such sandbox: nobody"),
        (("nonsense",), "unknown request 'nonsense'"),
        (("open", "s1", "/ns", VIEW), "no descriptors"),
        (("update", "s1"), "unknown request"),
        (("publish", "n1", "e1", ["web"], ["no address"]), "publish: "),
        (("publish", "n1", "e1", 7, 7), "publish: "),
        (("replace-zones", {"n1": {"e1": 5}}), "replace-zones: "),
    ],
)
def test_a_wrong_request_is_answered_with_its_reason(control: Any, request_: tuple[Any, ...], text: str) -> None:
    client = control()
    kind, result = client.say(*request_)
    assert kind == "error"
    assert text in result
    assert client.say("sandboxes") == ("ok", [])


def test_a_view_that_is_none_loses_the_descriptors_but_not_the_connection(control: Any) -> None:
    client = control()
    udp, tcp = sockets()
    with udp, tcp:
        kind, _ = client.say("open", "s1", "/ns", [1, 2], descriptors=(udp.fileno(), tcp.fileno()))
        assert kind == "error"
        assert client.say("open", "s1", "/ns", VIEW, descriptors=(udp.fileno(), tcp.fileno())) == ("ok", None)


@pytest.mark.parametrize("junk", [b"\xff\xff\xff\xff", b"\0\0\0\2{}", b"\0\0\0\3abc", b"\0\0\0\6[1, 2]"])
def test_a_stranger_is_shown_out(control: Any, junk: bytes) -> None:
    client = control()
    client.sock.sendall(junk)
    assert client.sock.recv(10) == b""
    assert "the control connection is closed" in control.reports[0]
    assert control().say("sandboxes") == ("ok", [])


def test_frames_are_cut_wherever_the_bytes_break() -> None:
    stream = encode(1, "hello") + encode(2, "close", "s1")
    decoder = Decoder()
    frames = [frame for byte in stream for frame in decoder.feed(bytes([byte]))]
    assert frames == [(1, "hello", []), (2, "close", ["s1"])]


def test_a_view_survives_its_journey() -> None:
    spec = ViewSpec((("n1", "net"), ("n2", "other")), ("1.1.1.1",), ("10.0.0.1", "fd00::1"), 2, True)
    [(_, _, [values])] = Decoder().feed(encode(1, "update", pack_view(spec)))
    assert unpack_view(values) == spec
    with pytest.raises(BadFrame):
        unpack_view({"a": 1})
