"""Networks (Engine API v1.51, Network)."""

from aiohttp import web

from weft.api.backend import Backend
from weft.api.body import read_json
from weft.api.call import Call
from weft.api.responses import empty_response, json_response
from weft.api.routing import Route
from weft.api.wire.endpoint_config import CONNECT, DISCONNECT, endpoint_spec
from weft.api.wire.network import network_answer
from weft.api.wire.network_create import DECODER, network_spec
from weft.model.errors import InvalidParameter, NotFound


class NetworkRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._networks = backend.networks

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        one = "/networks/{name}"
        return (
            Route("GET", "/networks", self.listing),
            Route("GET", "/networks/", self.listing),
            Route("POST", "/networks/create", self.create),
            Route("POST", "/networks/prune", self.prune),
            Route("POST", f"{one}/connect", self.connect),
            Route("POST", f"{one}/disconnect", self.disconnect),
            Route("GET", one, self.inspect),
            Route("DELETE", one, self.remove),
        )

    async def listing(self, call: Call) -> web.StreamResponse:
        """GET /networks."""
        return json_response([network_answer(r, call.version) for r in self._networks.list(call.filters())])

    async def inspect(self, call: Call) -> web.StreamResponse:
        """GET /networks/{name}; `verbose` adds what only swarm networks have."""
        record = self._networks.find(call.name)
        scope = call.text("scope")
        if scope and scope != record.spec.scope.value:
            raise NotFound(f"network {call.name} not found")
        return json_response(network_answer(record, call.version, self._networks.members(record)))

    async def create(self, call: Call) -> web.StreamResponse:
        """POST /networks/create."""
        created = await self._networks.create(network_spec(await read_json(call.request, DECODER), call.version))
        return json_response({"Id": created.id, "Warning": "\n".join(created.warnings)}, 201)

    async def connect(self, call: Call) -> web.StreamResponse:
        """POST /networks/{name}/connect."""
        request = await read_json(call.request, CONNECT)
        spec = endpoint_spec(request.endpoint_config)
        await self._networks.connect(call.name, _container(request.container), spec)
        return empty_response(200)

    async def disconnect(self, call: Call) -> web.StreamResponse:
        """POST /networks/{name}/disconnect."""
        request = await read_json(call.request, DISCONNECT)
        await self._networks.disconnect(call.name, _container(request.container), force=bool(request.force))
        return empty_response(200)

    async def remove(self, call: Call) -> web.StreamResponse:
        """DELETE /networks/{name}."""
        await self._networks.remove(call.name)
        return empty_response()

    async def prune(self, call: Call) -> web.StreamResponse:
        """POST /networks/prune."""
        pruned = await self._networks.prune(call.filters())
        return json_response({"NetworksDeleted": pruned.deleted or None})


def _container(reference: str | None) -> str:
    if not reference:
        raise InvalidParameter('invalid name or ID supplied: ""')
    return reference
