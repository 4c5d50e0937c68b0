"""Networks (Engine API v1.51, Network)."""

from aiohttp import web

from weft.api.backend import Backend
from weft.api.body import read_json
from weft.api.call import Call
from weft.api.declaration import empty, filters, gives, takes, text
from weft.api.responses import empty_response, json_response
from weft.api.routing import Route
from weft.api.wire.endpoint_config import CONNECT, DISCONNECT, endpoint_spec
from weft.api.wire.network import NetworkAnswer, network_answer
from weft.api.wire.network_create import DECODER, network_spec
from weft.api.wire.outcomes import NetworkCreated, NetworksPruned
from weft.model.errors import Conflict, Forbidden, InvalidParameter, NotFound, Unimplemented


class NetworkRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._networks = backend.networks

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        one = "/networks/{name}"
        return (
            Route("GET", "/networks", self.listing, takes(filters()), gives=gives(list[NetworkAnswer])),
            Route("GET", "/networks/", self.listing, takes(filters()), gives=gives(list[NetworkAnswer])),
            Route(
                "POST",
                "/networks/create",
                self.create,
                takes(body=DECODER, body_required=True),
                gives=gives(NetworkCreated, Forbidden, NotFound, Conflict, Unimplemented, status=201),
            ),
            Route("POST", "/networks/prune", self.prune, takes(filters()), gives=gives(NetworksPruned, Conflict)),
            Route(
                "POST",
                f"{one}/connect",
                self.connect,
                takes(body=CONNECT, body_required=True),
                gives=empty(Forbidden, NotFound, Conflict, Unimplemented, status=200),
            ),
            Route(
                "POST",
                f"{one}/disconnect",
                self.disconnect,
                takes(body=DISCONNECT, body_required=True),
                gives=empty(Forbidden, NotFound, Conflict, status=200),
            ),
            Route("GET", one, self.inspect, takes(text("scope")), gives=gives(NetworkAnswer, NotFound)),
            Route("DELETE", one, self.remove, gives=empty(Forbidden, NotFound, Conflict)),
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
        created = await self._networks.create(network_spec(await read_json(call, DECODER), call.version))
        return json_response(NetworkCreated(id=created.id, warning="\n".join(created.warnings)), 201)

    async def connect(self, call: Call) -> web.StreamResponse:
        """POST /networks/{name}/connect."""
        request = await read_json(call, CONNECT)
        spec = endpoint_spec(request.endpoint_config)
        await self._networks.connect(call.name, _container(request.container), spec)
        return empty_response(200)

    async def disconnect(self, call: Call) -> web.StreamResponse:
        """POST /networks/{name}/disconnect."""
        request = await read_json(call, DISCONNECT)
        await self._networks.disconnect(call.name, _container(request.container), force=bool(request.force))
        return empty_response(200)

    async def remove(self, call: Call) -> web.StreamResponse:
        """DELETE /networks/{name}."""
        await self._networks.remove(call.name)
        return empty_response()

    async def prune(self, call: Call) -> web.StreamResponse:
        """POST /networks/prune."""
        pruned = await self._networks.prune(call.filters())
        return json_response(NetworksPruned(networks_deleted=pruned.deleted or None))


def _container(reference: str | None) -> str:
    if not reference:
        raise InvalidParameter('invalid name or ID supplied: ""')
    return reference
