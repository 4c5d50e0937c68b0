"""One request as routes see it: version, name in the path, query parameters read the way Docker reads them."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from weft.api.backend import Filters
from weft.api.declaration import NOTHING, Kind, Media, Takes
from weft.api.filters import decode_filters
from weft.api.version import Version
from weft.model.errors import InvalidParameter

_FALSE = frozenset({"", "0", "no", "false", "none"})
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_TIMESTAMP = re.compile(r"(-?[0-9]{1,11})(?:\.([0-9]{1,9})[0-9]*)?")
_SHOWN = re.compile(r":?\n\n|: (?:b'|bytearray)")
_RAW = frozenset({Kind.TEXT, Kind.NUMBER, Kind.TIME})


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was matched to a route; `name` is what stood in the path, `takes` what the route declares.

    Reading what the route does not declare is a fault of the route's: LookupError.
    """

    request: web.BaseRequest
    version: Version
    name: str = ""
    takes: Takes = NOTHING

    def text(self, key: str, default: str = "") -> str:
        """Return a query parameter as it was written."""
        self._check(key, _RAW)
        return _without_nul(key, str(self.request.rel_url.query.get(key, default)))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return every value of a repeated query parameter."""
        self._check(key, (Kind.TEXTS,))
        return tuple(_without_nul(key, value) for value in self.request.rel_url.query.getall(key, ()))

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a boolean: everything but 0, no, false, none and nothing is true."""
        self._check(key, (Kind.FLAG,))
        value = self.request.rel_url.query.get(key)
        return default if value is None else value.strip().lower() not in _FALSE

    def number(self, key: str) -> int | None:
        """Return an integer, None if absent or empty; InvalidParameter if it is no number."""
        self._check(key, (Kind.NUMBER,))
        value = self.text(key)
        return whole_number(value) if value else None

    def time(self, key: str) -> int:
        """Return nanoseconds since the epoch of a Unix timestamp `seconds[.fraction]`, 0 if absent."""
        self._check(key, (Kind.TIME,))
        value = self.text(key)
        if not value:
            return 0
        match = _TIMESTAMP.fullmatch(value)
        if match is None:
            raise InvalidParameter(f'invalid value for "{key}": parsing "{value}": not a Unix timestamp')
        return int(match[1]) * 1_000_000_000 + int((match[2] or "0").ljust(9, "0"))

    def filters(self) -> Filters:
        """Return the decoded `filters` parameter."""
        self._check("filters", (Kind.FILTERS,))
        return decode_filters(str(self.request.rel_url.query.get("filters", "")))

    def header(self, name: str) -> str:
        """Return a header, "" if absent."""
        self._check(name, (Kind.HEADER,))
        return str(self.request.headers.get(name, ""))

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield a body that is not JSON as it arrives."""
        if not isinstance(self.takes.body, Media):
            raise LookupError("the route declares no body that is not JSON")
        async for chunk in incoming(self.request):
            yield chunk

    def _check(self, key: str, kinds: "frozenset[Kind] | tuple[Kind, ...]") -> None:
        declared = self.takes.parameters.get(key)
        if declared is None or declared.kind not in kinds:
            raise LookupError(f"the route declares no parameter {key} that can be read so")


async def incoming(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """Yield a request's body as it arrives; InvalidParameter where it breaks off in a wrong chunk."""
    try:
        async for chunk in request.content.iter_any():
            yield chunk
    except HttpProcessingError as error:
        raise InvalidParameter(f"malformed request body: {said_of(error.message)}") from None


def said_of(text: str) -> str:
    """Return what an error of the HTTP parser says, without the bytes that it shows."""
    return _SHOWN.split(text, maxsplit=1)[0].replace("`", "")


def _without_nul(key: str, value: str) -> str:
    if "\0" in value:
        raise InvalidParameter(f"invalid {key}: it holds a NUL character, which no name, path or argument can")
    return value


def whole_number(text: str) -> int:
    """Return an integer, or raise InvalidParameter with Docker's words."""
    if not _NUMBER.fullmatch(text):
        raise InvalidParameter(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
