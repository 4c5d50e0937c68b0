"""A daemon for the CLI's tests: recorded JSON on a unix socket, requests remembered, hijacked streams carried."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

RECORDED = Path(__file__).parent / "recorded"
Hijack = Callable[[socket.socket], None]


class Request:
    """What the CLI sent."""

    def __init__(self, method: str, path: str, query: dict[str, list[str]], body: bytes, headers: dict[str, str]):
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.headers = headers

    @property
    def document(self) -> dict:
        return json.loads(self.body)


class Answer:
    """What goes back: a JSON document, bytes, or a hijacked stream."""

    def __init__(
        self,
        document: object = None,
        *,
        status: int = 200,
        body: bytes | None = None,
        hijack: Hijack | None = None,
        kind: str = "application/json",
        chunks: list[bytes] | None = None,
        wait: threading.Event | None = None,
    ):
        self.status = status
        self.body = body if body is not None else (b"" if document is None else json.dumps(document).encode())
        self.hijack = hijack
        self.kind = kind
        self.chunks = chunks
        self.wait = wait  # headers go out at once, the body when this is set


class FakeDaemon:
    """Routes are (method, pattern of the path without its version) -> Answer or a function of the Request."""

    def __init__(self, directory: Path, api_version: str = "1.51") -> None:
        self.path = str(directory / "daemon.sock")
        self.host = f"unix://{self.path}"
        self.api_version = api_version
        self.requests: list[Request] = []
        self.routes: list[tuple[str, re.Pattern[str], Answer | Callable[[Request], Answer]]] = []
        self._server = _Server(self.path, self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def on(self, method: str, pattern: str, answer: Answer | Callable[[Request], Answer]) -> None:
        self.routes.insert(0, (method, re.compile(pattern), answer))

    def sent(self, method: str, pattern: str) -> list[Request]:
        return [r for r in self.requests if r.method == method and re.fullmatch(pattern, r.path)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.path == "/_ping":
            return Answer(body=b"OK", kind="text/plain")
        for method, pattern, answer in self.routes:
            if method == request.method and pattern.fullmatch(request.path):
                return answer(request) if callable(answer) else answer
        return Answer({"message": "page not found"}, status=404)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                url = urlsplit(self.path)
                path = re.sub(r"^/v\d+\.\d+", "", url.path)
                request = Request(self.command, path, parse_qs(url.query), self._body(), dict(self.headers))
                answer = daemon.answer(request)
                if answer.hijack is not None:
                    self.close_connection = True
                    self.wfile.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
                    answer.hijack(self.connection)
                    return
                self._reply(answer)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    data = b""
                    while size := int(self.rfile.readline(), 16):
                        data += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                    return data
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def _reply(self, answer: Answer) -> None:
                self.send_response(answer.status)
                self.send_header("Api-Version", daemon.api_version)
                self.send_header("Ostype", "linux")
                self.send_header("Content-Type", answer.kind)
                streamed = answer.chunks is not None or answer.wait is not None
                if streamed:
                    self.send_header("Transfer-Encoding", "chunked")
                elif answer.status not in (204, 304):
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if not streamed:
                    if self.command != "HEAD":
                        self.wfile.write(answer.body)
                    return
                if answer.wait is not None:
                    answer.wait.wait(30)
                for chunk in answer.chunks if answer.chunks is not None else [answer.body]:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.write(b"0\r\n\r\n")

            do_GET = do_POST = do_DELETE = do_HEAD = _do

            def log_message(self, *arguments: object) -> None:
                pass

            def address_string(self) -> str:
                return "unix"

        return Handler


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


def recorded() -> dict:
    """Return what a reference engine answered; negative `Created` is seconds before now."""

    def dated(value: object) -> object:
        if isinstance(value, list):
            return [dated(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            k: int(time.time()) + v if k == "Created" and isinstance(v, int) and -(10**8) < v < 0 else dated(v)
            for k, v in value.items()
        }

    return dated(json.loads((RECORDED / "engine.json").read_text()))


def engine_answers(daemon: FakeDaemon) -> None:
    """Serve the recorded engine."""
    data = recorded()
    lists = {
        "/containers/json": "containers",
        "/networks": "networks",
        "/images/json": "images",
        "/volumes": "volumes",
        "/info": "info",
        "/version": "version",
        "/system/df": "df",
        "/containers/web/json": "container",
        "/networks/n1": "network",
        "/images/busybox/json": "image",
        "/images/busybox/history": "history",
        "/containers/web/top": "top",
    }
    for path, key in lists.items():
        daemon.on("GET", re.escape(path), Answer(data[key]))
    daemon.on("GET", "/volumes/vol1", Answer(data["volumes"]["Volumes"][0]))
    for noun, text in (
        ("containers", "No such container: nope"),
        ("images", "No such image: nope"),
        ("networks", "network nope not found"),
        ("volumes", "get nope: no such volume"),
    ):
        daemon.on("GET", f"/{noun}/nope(/json)?", Answer({"message": text}, status=404))
