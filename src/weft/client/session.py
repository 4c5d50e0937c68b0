"""A conversation with one daemon: API version, kept connections, requests and their errors."""

import json
import select
from collections.abc import Callable, Iterable, Iterator, Mapping

from weft.client import query
from weft.client.connection import Connection, Response, check, connect, send
from weft.client.endpoint import Endpoint
from weft.client.errors import ConnectionFailed, ProtocolError
from weft.model.errors import WeftError

NEWEST = (1, 51)  # the Engine API version this client is written for
OLDEST = (1, 24)

Json = dict[str, object]
JsonList = list[Json]
Body = bytes | Iterable[bytes] | None


class Session:
    """Requests to one endpoint. Safe to share between threads: each request has a connection to itself.

    `report` is told of each request, and of the status that answered it.
    """

    def __init__(self, endpoint: Endpoint, agent: str = "weft", report: Callable[[str], None] | None = None) -> None:
        self.endpoint = endpoint
        self._agent = agent
        self._report = report
        self._idle: list[Connection] = []
        self._version: tuple[int, int] | None = None

    @property
    def version(self) -> tuple[int, int]:
        """The API version in use: the older of the daemon's and this client's. Asks the daemon once."""
        if self._version is None:
            response = self._exchange("HEAD", "/_ping", {}, None)
            self._release(response)
            self._version = min(_parse_version(response.headers.get("api-version", "")), NEWEST)
        return self._version

    @property
    def version_text(self) -> str:
        major, minor = self.version
        return f"{major}.{minor}"

    def request(
        self,
        method: str,
        path: str,
        parameters: query.Parameters | None = None,
        *,
        body: Body = None,
        document: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request and return the answer with its body unread.

        `document` is sent as JSON. Raises EngineError for a refusal, ConnectionFailed without a daemon.
        """
        sent = dict(headers or {})
        if document is not None:
            body = json.dumps(document).encode()
            sent["Content-Type"] = "application/json"
        target = f"/v{self.version_text}{path}{query.encode(parameters or {})}"
        return self._checked(self._exchange(method, target, sent, body))

    def call(
        self,
        method: str,
        path: str,
        parameters: query.Parameters | None = None,
        *,
        document: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send a request and return the answer's whole body."""
        response = self.request(method, path, parameters, document=document, headers=headers)
        try:
            return response.read()
        finally:
            self._release(response)

    def get_object(self, path: str, parameters: query.Parameters | None = None) -> Json:
        """GET a JSON object; raises ProtocolError if the answer is none."""
        return as_object(self.call("GET", path, parameters))

    def get_list(self, path: str, parameters: query.Parameters | None = None) -> JsonList:
        """GET a JSON list of objects (null counts as empty); raises ProtocolError if the answer is none."""
        value = _decoded(self.call("GET", path, parameters))
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ProtocolError(f"the daemon's answer to {path} is not a list of objects")
        return value

    def post(self, path: str, parameters: query.Parameters | None = None, document: object = None) -> Json:
        """POST and return the JSON object answered, {} for an empty body."""
        body = self.call("POST", path, parameters, document=document)
        return as_object(body) if body.strip() else {}

    def hijack(self, path: str, parameters: query.Parameters | None = None, document: object = None) -> Connection:
        """POST with an upgrade to a raw stream and return the connection, bytes already received in its buffer.

        The caller owns it. Raises EngineError for a refusal.
        """
        upgrade = {"Connection": "Upgrade", "Upgrade": "tcp", "Content-Type": "application/json"}
        body = json.dumps(document).encode() if document is not None else None
        target = f"/v{self.version_text}{path}{query.encode(parameters or {})}"
        return self._checked(self._exchange("POST", target, upgrade, body)).connection

    def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop().close()

    def finish(self, response: Response) -> None:
        """Keep the connection of a response whose body has been read, close any other."""
        self._release(response)

    def stream(self, response: Response) -> Iterator[bytes]:
        """Yield the body as it comes, and give the connection back after it."""
        try:
            yield from response.chunks()
        finally:
            self._release(response)

    def stream_json(self, response: Response) -> Iterator[object]:
        """Yield the JSON documents of the body as they come, and give the connection back after it."""
        try:
            yield from response.json_values()
        finally:
            self._release(response)

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: Body) -> Response:
        sent = {"User-Agent": self._agent, **headers}
        used = self._kept() or connect(self.endpoint)
        try:
            response = send(used, method, target, sent, body)
        except ProtocolError:
            used.close()
            raise
        except OSError as error:
            used.close()
            raise ConnectionFailed(
                f"lost the connection to the Weft daemon at {self.endpoint.text}: {error}"
            ) from error
        if self._report is not None:
            self._report(f"{method} {target}: {response.status}")
        return response

    def _checked(self, response: Response) -> Response:
        try:
            return check(response)
        except WeftError:
            self._release(response)
            raise

    def _kept(self) -> Connection | None:
        """Return an idle connection that the daemon has not closed meanwhile, or None."""
        while True:
            try:
                kept = self._idle.pop()
            except IndexError:
                return None
            if not select.select([kept.socket], [], [], 0)[0]:
                return kept
            kept.close()  # readable without a request: the other end is gone

    def _release(self, response: Response) -> None:
        if response.finished and response.reusable and not response.connection.buffer:
            self._idle.append(response.connection)
        else:
            response.close()


def as_object(body: bytes) -> Json:
    """Return the JSON object in `body`; raises ProtocolError if it is none."""
    value = _decoded(body)
    if not isinstance(value, dict):
        raise ProtocolError("the daemon's answer is not a JSON object")
    return value


def _decoded(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    except ValueError as error:
        raise ProtocolError(f"the daemon's answer is not JSON: {body[:80]!r}") from error
    return value


def _parse_version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        return OLDEST
    return int(major), int(minor)
