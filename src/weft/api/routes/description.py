"""The API's description of itself: Weft's own."""

from collections.abc import Iterable

from aiohttp import web
from msgspec import Raw

from weft.api.call import Call
from weft.api.declaration import gives
from weft.api.description import describe
from weft.api.responses import encode, json_response
from weft.api.routing import Route


class DescriptionRoutes:
    """Describes the other routes, and itself."""

    def __init__(self, others: Iterable[Route]) -> None:
        self._others = tuple(others)
        self._document: Raw | None = None

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        return (Route("GET", "/openapi.json", self.openapi, gives=gives(dict[str, object])),)

    async def openapi(self, call: Call) -> web.StreamResponse:
        """GET /openapi.json: this description, as OpenAPI 3.1."""
        if self._document is None:
            self._document = Raw(encode(describe((*self._others, *self.routes()))))
        return json_response(self._document)
