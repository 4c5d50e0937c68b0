"""HTTP by hand: framing, kept connections, errors, hijacking, TLS."""

import contextlib
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from weft.client.connection import CHUNK
from weft.client.endpoint import TlsFiles, parse_endpoint
from weft.client.engine import Engine
from weft.client.errors import ConnectionFailed, EngineError, ProtocolError
from weft.client.query import encode, filters, quote

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nContent-Length: 2\r\n\r\n"


class Scripted:
    """A server that reads a request's head (and counted body) and answers with prepared bytes."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.answers: list[bytes] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.after: Callable[[socket.socket], None] = lambda connection: None
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client, or a test's end, closed it
            self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                received = connection.recv(CHUNK)
                if not received:
                    return
                data += received
            head, _, data = data.partition(b"\r\n\r\n")
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
            while len(data) < length:
                data += connection.recv(CHUNK)
            self.requests.append(head + b"\r\n\r\n" + data[:length])
            data = data[length:]
            if head.startswith(b"HEAD /_ping"):
                connection.sendall(PING)
                continue
            answer = self.answers.pop(0)
            connection.sendall(answer)
            self.after(connection)
            if b"onnection: close" in answer or not answer:
                connection.shutdown(socket.SHUT_RDWR)
                return

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Scripted]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    scripted = Scripted(listener)
    yield scripted
    scripted.close()


@pytest.fixture
def engine(server: Scripted, tmp_path: Path) -> Iterator[Engine]:
    client = Engine(parse_endpoint(str(tmp_path / "s")))
    yield client
    client.close()


def _answer(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_version_is_negotiated_once_and_the_connection_kept(server, engine):
    server.answers = [_answer(b"[]"), _answer(b"[]")]
    assert engine.networks.list() == []
    assert engine.networks.list({"driver": ["bridge"]}) == []
    assert server.connections == 1
    assert [request.split(b" ")[1] for request in server.requests] == [
        b"/_ping",
        b"/v1.45/networks",
        b"/v1.45/networks?filters=%7B%22driver%22%3A%7B%22bridge%22%3Atrue%7D%7D",
    ]


def test_a_newer_daemon_is_spoken_to_in_the_clients_version(server, engine, monkeypatch):
    monkeypatch.setattr(__import__(__name__), "PING", PING.replace(b"1.45", b"1.99"))
    server.answers = [_answer(b"{}")]
    engine.system.info()
    assert engine.session.version == (1, 51)


def test_chunked_with_trailers_in_any_pieces(server, engine):
    body = b'5;ext=1\r\n[{"a"\r\nA\r\n:"bcdefgh"\r\n2\r\n}]\r\n0\r\nTrailer: x\r\n\r\n'
    server.answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body, _answer(b"[]")]
    assert engine.networks.list() == [{"a": "bcdefgh"}]
    assert engine.networks.list() == []
    assert server.connections == 1


def test_body_until_the_end(server, engine):
    server.answers = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[]"]
    assert engine.networks.list() == []


def test_100_continue_is_skipped(server, engine):
    server.answers = [b"HTTP/1.1 100 Continue\r\n\r\n" + _answer(b"[]")]
    assert engine.networks.list() == []


def test_refusals_carry_status_and_text(server, engine):
    server.answers = [
        _answer(b'{"message":"network x not found"}', "404 Not Found"),
        _answer(b"plain text\n", "500 Oops"),
        _answer(b"", "503 Away"),
        _answer(b"[]"),
    ]
    with pytest.raises(EngineError, match="network x not found") as raised:
        engine.networks.inspect("x")
    assert raised.value.not_found
    with pytest.raises(EngineError, match="plain text"):
        engine.networks.inspect("x")
    with pytest.raises(EngineError, match="HTTP status 503"):
        engine.networks.inspect("x")
    assert engine.networks.list() == []
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"\x15\x03\x01 not http\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n[1]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nnot",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000,
    ],
)
def test_nonsense_is_a_protocol_error(server, engine, answer):
    if answer.endswith(b"xxx"):
        server.after = lambda connection: connection.shutdown(socket.SHUT_WR)
    server.answers = [answer]
    with pytest.raises(ProtocolError):
        engine.networks.list()


def test_a_connection_closed_while_idle_is_replaced(server, engine):
    server.answers = [_answer(b"[]"), _answer(b"[]")]
    closed = threading.Event()

    def close(connection: socket.socket) -> None:
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    server.after = close
    engine.networks.list()
    closed.wait(5)
    server.after = lambda connection: None
    assert engine.networks.list() == []
    assert server.connections == 2


def test_hijack_keeps_what_came_with_the_head(server, engine):
    def echo(connection: socket.socket) -> None:
        connection.sendall(connection.recv(100).upper())
        connection.shutdown(socket.SHUT_WR)

    server.after = echo
    server.answers = [b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nearly"]
    stream = engine.containers.attach("c/x", stdin=True, stdout=True, stderr=False, detach_keys="a,b")
    assert stream.take(100) == b"early"
    stream.socket.sendall(b"late")
    assert stream.take(100) == b"LATE"
    assert stream.take(100) == b""
    stream.close()
    line = server.requests[-1].split(b"\r\n")[0]
    assert line == b"POST /v1.45/containers/c%2Fx/attach?stream=1&stdin=1&stdout=1&detachKeys=a%2Cb HTTP/1.1"
    assert b"Upgrade: tcp" in server.requests[-1]


def test_json_streams_yield_each_document_at_once(server, engine):
    first = b'{"status":"a"}\r\n'
    waiting = threading.Event()

    def later(connection: socket.socket) -> None:
        waiting.wait(5)
        connection.sendall(b'E\r\n{"status":"b"}\r\n0\r\n\r\n')

    server.after = later
    server.answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(first), first)]
    events = engine.system.events()
    assert next(events) == {"status": "a"}
    waiting.set()
    assert list(events) == [{"status": "b"}]


def test_nobody_there(tmp_path):
    for address, why in ((str(tmp_path / "none"), "Is weftd running"), ("tcp://127.0.0.1:1", "Is weftd running")):
        with pytest.raises(ConnectionFailed, match=why):
            Engine(parse_endpoint(address)).system.info()


def test_queries():
    assert quote("a/b c%é") == "a%2Fb%20c%25%C3%A9"
    assert encode({"a": True, "b": False, "c": None, "d": "", "e": 0, "f": ["x", "y&"]}) == "?a=1&e=0&f=x&f=y%26"
    assert json.loads(filters({"k": ["a", "b"]})) == {"k": {"a": True, "b": True}}
    assert filters({}) == ""


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate


def test_tls(certificate):
    key, path = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = Scripted(context.wrap_socket(listener, server_side=True))
    try:
        trusting = Engine(parse_endpoint(f"tcp://127.0.0.1:{port}", TlsFiles(authority=path)))
        server.answers = [_answer(b"[]")]
        assert trusting.networks.list() == []
        trusting.close()
    finally:
        server.close()


def test_tls_refuses_strangers(certificate):
    key, path = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = Scripted(context.wrap_socket(listener, server_side=True))
    try:
        with pytest.raises(ConnectionFailed, match="certificate verify failed"):
            Engine(parse_endpoint(f"tcp://127.0.0.1:{port}", TlsFiles())).networks.list()
    finally:
        server.close()
