"""Serves a plugin on a Unix socket: HTTP and JSON, one call at a time."""

import contextlib
import json
import os
import signal
import socketserver
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Protocol

DIRECTORY = Path("/run/docker/plugins")
_TYPE = "application/vnd.docker.plugins.v1.2+json"
_LIMIT = 1 << 20  # bytes of a request
_ERROR_KEYS = {"IpamDriver": "Error"}


class Plugin(Protocol):
    """What can be served: `kind` is NetworkDriver or IpamDriver."""

    @property
    def kind(self) -> str: ...

    def methods(self) -> Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any] | None]]: ...


def serve(*plugins: Plugin, name: str = "", socket: str | Path = "") -> None:
    """Serve plugins until SIGTERM or SIGINT, at `socket`, or as `name` where the engine looks for plugins.

    One process may be both a network and an IPAM driver, of one name. A socket that was left there is replaced.
    """
    path = Path(socket) if socket else DIRECTORY / f"{name}.sock"
    if not socket and not name:
        raise ValueError("serve a plugin by a name or at a socket")
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    former = os.umask(0o177)  # root's alone from the first moment
    try:
        server = _Server(str(path), _Handler)
    finally:
        os.umask(former)
    server.prepare(plugins)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: Thread(target=server.shutdown).start())
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        server.server_close()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def prepare(self, plugins: tuple[Plugin, ...]) -> None:
        self.kinds = [plugin.kind for plugin in plugins]
        self.calls = {f"{each.kind}.{method}": call for each in plugins for method, call in each.methods().items()}
        self.lock = Lock()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        method = self.path.strip("/")
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LIMIT:
            self._answer(413, {"Err": f"a request has at most {_LIMIT} bytes"})
            return
        body = self.rfile.read(length)
        if method == "Plugin.Activate":
            self._answer(200, {"Implements": self.server.kinds})
        elif method not in self.server.calls:
            self._answer(404, {"Err": f"there is no method {method}"})
        else:
            self._call(method, body)

    def _call(self, method: str, body: bytes) -> None:
        try:
            request = json.loads(body or b"{}")
            with self.server.lock:  # drivers need not think of threads
                reply = self.server.calls[method](request) or {}
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is its answer
            print(f"{method}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            key = _ERROR_KEYS.get(method.partition(".")[0], "Err")
            reply = {key: str(error) or type(error).__name__}
        self._answer(200, reply)

    def _answer(self, status: int, reply: Mapping[str, Any]) -> None:
        content = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", _TYPE)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "engine"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of calls that went well."""
