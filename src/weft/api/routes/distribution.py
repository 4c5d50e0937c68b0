"""What registries have (Engine API v1.51, Distribution)."""

from aiohttp import web

from weft.api.backend import Backend
from weft.api.call import Call
from weft.api.declaration import gives, header, takes
from weft.api.responses import json_response
from weft.api.routes.images import AUTH, credentials
from weft.api.routing import Route
from weft.api.wire.distribution import DistributionInspect, distribution_inspect
from weft.model.errors import NotFound, Unauthorized


class DistributionRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._images = backend.images

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        answer = gives(DistributionInspect, NotFound, Unauthorized)
        return (Route("GET", "/distribution/{name}/json", self.inspect, takes(header(AUTH)), gives=answer),)

    async def inspect(self, call: Call) -> web.StreamResponse:
        """GET /distribution/{name}/json."""
        return json_response(distribution_inspect(await self._images.distribution(call.name, credentials(call))))
