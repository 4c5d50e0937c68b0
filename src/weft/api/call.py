"""One request as routes see it: version, name in the path, query parameters read the way Docker reads them."""

import re
from dataclasses import dataclass

from aiohttp import web

from weft.api.backend import Filters
from weft.api.filters import decode_filters
from weft.api.version import Version
from weft.model.errors import InvalidParameter

_FALSE = frozenset({"", "0", "no", "false", "none"})
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_TIMESTAMP = re.compile(r"(-?[0-9]{1,11})(?:\.([0-9]{1,9})[0-9]*)?")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was matched to a route; `name` is what stood in the path."""

    request: web.BaseRequest
    version: Version
    name: str = ""

    def text(self, key: str, default: str = "") -> str:
        """Return a query parameter."""
        return str(self.request.rel_url.query.get(key, default))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return every value of a repeated query parameter."""
        return tuple(self.request.rel_url.query.getall(key, ()))

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a boolean: everything but 0, no, false, none and nothing is true."""
        value = self.request.rel_url.query.get(key)
        return default if value is None else value.strip().lower() not in _FALSE

    def number(self, key: str) -> int | None:
        """Return an integer, None if absent or empty; InvalidParameter if it is no number."""
        value = self.text(key)
        return whole_number(value) if value else None

    def time(self, key: str) -> int:
        """Return nanoseconds since the epoch of a Unix timestamp `seconds[.fraction]`, 0 if absent."""
        value = self.text(key)
        if not value:
            return 0
        match = _TIMESTAMP.fullmatch(value)
        if match is None:
            raise InvalidParameter(f'invalid value for "{key}": parsing "{value}": not a Unix timestamp')
        return int(match[1]) * 1_000_000_000 + int((match[2] or "0").ljust(9, "0"))

    def filters(self) -> Filters:
        """Return the decoded `filters` parameter."""
        return decode_filters(self.text("filters"))


def whole_number(text: str) -> int:
    """Return an integer, or raise InvalidParameter with Docker's words."""
    if not _NUMBER.fullmatch(text):
        raise InvalidParameter(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
