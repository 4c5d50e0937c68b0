"""Responses, with the headers that every one of them carries."""

import sys
from collections.abc import Mapping

import msgspec
from aiohttp import web

import weft
from weft.api.version import MAXIMUM
from weft.api.wire.outcomes import ErrorAnswer

HEADERS: Mapping[str, str] = {
    "Api-Version": str(MAXIMUM),
    "Docker-Experimental": "false",
    "Ostype": sys.platform,
    "Server": f"Weft/{weft.__version__} (linux)",
}
_JSON: Mapping[str, str] = {**HEADERS, "Content-Type": "application/json"}
_ENCODER = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Return `value` as compact JSON."""
    return _ENCODER.encode(value)


def json_response(value: object, status: int = 200) -> web.Response:
    """Answer with JSON; a msgspec.Raw goes out as it is."""
    return web.Response(body=_ENCODER.encode(value) + b"\n", status=status, headers=_JSON)


def empty_response(status: int = 204) -> web.Response:
    """Answer with a status alone."""
    return web.Response(status=status, headers=HEADERS)


def error_response(status: int, message: str) -> web.Response:
    """Answer in the API's error shape; 304 has no body."""
    if status == 304:
        return empty_response(status)
    return json_response(ErrorAnswer(message=message), status)


class Unsent(web.StreamResponse):
    """Stands for an answer that is written already, or no longer can be: aiohttp sends nothing and closes."""

    def __init__(self) -> None:
        super().__init__()
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send nothing."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Send nothing."""
