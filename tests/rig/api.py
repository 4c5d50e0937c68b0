"""The Engine API by hand: one kept connection over the unix socket, bytes in and bytes out."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_UNSET = object()


class Answer(NamedTuple):
    """What came back: status, headers (names in lower case) and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The error's text."""
        return str(self.json["message"])


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class RawApi:
    """Requests to one engine. `version` is put before each path ("1.41"), or nothing when it is empty."""

    def __init__(self, path: Path, version: str = "1.41", *, timeout: float = 60) -> None:
        self._connection = _UnixConnection(path, timeout)
        self._prefix = f"/v{version}" if version else ""

    def request(
        self, method: str, path: str, body: Any = _UNSET, *, raw: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Send one request; `body` goes as JSON, `raw` as it is. Raises `OSError` and `http.client.HTTPException`."""
        head = dict(headers)
        payload = raw
        if body is not _UNSET:
            payload = json.dumps(body).encode()
            head.setdefault("Content-Type", "application/json")
        try:
            self._connection.request(method, self._prefix + path, payload, head)
            response = self._connection.getresponse()
            return Answer(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        except BaseException:
            self._connection.close()
            raise

    def get(self, path: str) -> Answer:
        """GET."""
        return self.request("GET", path)

    def post(self, path: str, body: Any = _UNSET) -> Answer:
        """POST with an optional JSON body."""
        return self.request("POST", path, body)

    def delete(self, path: str) -> Answer:
        """DELETE."""
        return self.request("DELETE", path)

    def need(self, method: str, path: str, body: Any = _UNSET) -> Any:
        """The JSON (or None) of a request that must succeed."""
        answer = self.request(method, path, body)
        assert answer.status < 400, f"{method} {path}: {answer.status} {answer.body!r}"
        return answer.json if answer.body.strip() else None

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        self._connection.close()

    def __enter__(self) -> RawApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
