"""HTTP by hand on an engine's socket: clients that are slow, vanish, or send what no library would."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
from pathlib import Path
from typing import Any

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


class RawConnection:
    """One connection. Use as a context manager; `vanish` closes it as a killed client's is."""

    def __init__(self, path: Path, *, timeout: float = 60) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are; an engine that has closed already is no error."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def request(self, method: str, path: str, body: Any = None, *, raw: bytes = b"", upgrade: bool = False) -> None:
        """Send a request; `body` goes as JSON, `raw` as it is."""
        data = raw if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: docker", f"Content-Length: {len(data)}"]
        if data:
            lines.append(f"Content-Type: {'application/x-tar' if body is None else 'application/json'}")
        if upgrade:
            lines += ["Connection: Upgrade", "Upgrade: tcp"]
        self.send("\r\n".join([*lines, "", ""]).encode() + data)

    def head(self) -> bytes:
        """Read an answer's head, nothing after it."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise ConnectionResetError(f"closed after {head!r}")
            head += byte
        return head

    def statuses(self) -> list[int]:
        """Statuses of all that comes until the engine closes."""
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while data := self.socket.recv(65536):
                received += data
        return [int(status) for status in _STATUS.findall(received)]

    def vanish(self) -> None:
        """Close at once, with what is unread or unsent thrown away."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
