"""One HTTP/1.1 connection to a daemon (RFC 9112), by hand: http.client takes as long to import as a whole request."""

import json
import socket
from collections.abc import Iterable, Iterator, Mapping

from weft.client.endpoint import Endpoint
from weft.client.errors import ConnectionFailed, EngineError, ProtocolError

CHUNK = 65536
MAXIMUM_HEAD = 1 << 18  # bytes of a response's head; more is no Engine API


class Connection:
    """A connected socket with what was read from it and not yet used."""

    def __init__(self, plain: socket.socket) -> None:
        self.socket = plain
        self.buffer = bytearray()

    def fill(self) -> bool:
        """Read some more into the buffer; False at the end of the stream. Raises OSError."""
        data = self.socket.recv(CHUNK)
        self.buffer += data
        return bool(data)

    def line(self) -> bytes:
        """Return the next line without its line feed; raises ProtocolError when the stream ends in it."""
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > MAXIMUM_HEAD or not self.fill():
                raise ProtocolError("the daemon closed the connection in the middle of an answer")
        taken = bytes(self.buffer[:end])
        del self.buffer[: end + 1]
        return taken.rstrip(b"\r")

    def take(self, limit: int) -> bytes:
        """Return up to `limit` bytes, b"" only at the end of the stream."""
        if not self.buffer and not self.fill():
            return b""
        taken = bytes(self.buffer[:limit])
        del self.buffer[: len(taken)]
        return taken

    def close(self) -> None:
        self.socket.close()


def connect(endpoint: Endpoint) -> Connection:
    """Return a new connection; raises ConnectionFailed, naming the address and what to do."""
    try:
        if endpoint.path:
            plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                plain.connect(endpoint.path)
            except OSError:
                plain.close()
                raise
            return Connection(plain)
        plain = socket.create_connection((endpoint.host, endpoint.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if endpoint.tls is None:
            return Connection(plain)
        from weft.client.tls import wrap

        return Connection(wrap(plain, endpoint.host, endpoint.tls))
    except PermissionError as error:
        raise ConnectionFailed(
            f"permission denied while trying to connect to the Weft daemon socket at {endpoint.text}: "
            "run as root or as a member of the socket's group"
        ) from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise ConnectionFailed(f"Cannot connect to the Weft daemon at {endpoint.text}. Is weftd running?") from error
    except OSError as error:
        raise ConnectionFailed(f"Cannot connect to the Weft daemon at {endpoint.text}: {error}") from error


class Response:
    """An answer's head, and its body still on the wire. `headers` have lower-case names."""

    def __init__(self, connection: Connection, status: int, headers: Mapping[str, str], *, bodiless: bool) -> None:
        self.connection = connection
        self.status = status
        self.headers = headers
        self._bodiless = bodiless or status in (204, 304) or status < 200
        self.finished = self._bodiless
        self.reusable = headers.get("connection", "").lower() != "close"

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; raises ProtocolError where it breaks off, OSError from the socket."""
        if self.finished:
            return
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            yield from self._chunked()
        elif (length := self.headers.get("content-length", "")).isdecimal():
            yield from self._counted(int(length))
        else:
            self.reusable = False
            while data := self.connection.take(CHUNK):
                yield data
        self.finished = True

    def _counted(self, remaining: int) -> Iterator[bytes]:
        while remaining:
            data = self.connection.take(min(remaining, CHUNK))
            if not data:
                raise ProtocolError("the daemon closed the connection in the middle of an answer")
            remaining -= len(data)
            yield data

    def _chunked(self) -> Iterator[bytes]:
        while True:
            digits = self.connection.line().split(b";", 1)[0].strip()
            try:
                size = int(digits, 16)
            except ValueError as error:
                raise ProtocolError(f"the daemon sent {digits[:20]!r} where a chunk's size belongs") from error
            if size == 0:
                while self.connection.line():
                    pass  # trailers
                return
            yield from self._counted(size)
            self.connection.line()

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks())

    def json_values(self) -> Iterator[object]:
        """Yield the values of a stream of JSON documents, each as soon as it is whole (events, pull progress)."""
        decoder = json.JSONDecoder()
        pending = b""
        for data in self.chunks():
            pending += data
            while b"\n" in pending:
                line, pending = pending.split(b"\n", 1)
                yield from _documents(decoder, line)
        yield from _documents(decoder, pending)

    def close(self) -> None:
        self.connection.close()


def _documents(decoder: json.JSONDecoder, data: bytes) -> Iterator[object]:
    text = data.decode("utf-8", "replace").strip()
    while text:
        try:
            value, end = decoder.raw_decode(text)
        except ValueError as error:
            raise ProtocolError(f"the daemon sent what is not JSON: {text[:80]}") from error
        yield value
        text = text[end:].lstrip()


def send(
    connection: Connection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | Iterable[bytes] | None = None,
) -> Response:
    """Send a request and return the answer's head; an iterable body goes out chunked. Raises OSError, ProtocolError."""
    lines = [f"{method} {target} HTTP/1.1", "Host: weft", *(f"{name}: {value}" for name, value in headers.items())]
    if body is None:
        _write(connection, lines if method in ("GET", "HEAD") else [*lines, "Content-Length: 0"], b"")
    elif isinstance(body, bytes):
        _write(connection, [*lines, f"Content-Length: {len(body)}"], body)
    else:
        _write(connection, [*lines, "Transfer-Encoding: chunked"], b"")
        _send_chunks(connection, body)
    return _head(connection, bodiless=method == "HEAD")


def _write(connection: Connection, lines: list[str], body: bytes) -> None:
    connection.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def _send_chunks(connection: Connection, body: Iterable[bytes]) -> None:
    try:
        for data in body:
            if data:
                connection.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))
        connection.socket.sendall(b"0\r\n\r\n")
    except BrokenPipeError:
        pass  # the daemon refuses before the end: its answer says why


def _head(connection: Connection, *, bodiless: bool) -> Response:
    while True:
        words = connection.line().decode("latin-1").split(None, 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
            raise ProtocolError("the answer is not HTTP: is this address a Weft daemon's (with the right TLS options)?")
        headers: dict[str, str] = {}
        while line := connection.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        status = int(words[1])
        if status != 100:
            return Response(connection, status, headers, bodiless=bodiless)


def check(response: Response) -> Response:
    """Return `response` if it reports success; else raise EngineError with the daemon's text."""
    if response.status < 400:
        return response
    body = response.read()
    try:
        document = json.loads(body)
        message = document.get("message") if isinstance(document, dict) else None
    except ValueError:
        message = None
    text = message if isinstance(message, str) else body.decode("utf-8", "replace").strip()
    raise EngineError(response.status, text or f"the daemon answered with HTTP status {response.status}")
