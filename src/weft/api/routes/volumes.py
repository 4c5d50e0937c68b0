"""Volumes (Engine API v1.51, Volume)."""

from aiohttp import web

from weft.api.backend import Backend
from weft.api.body import read_json
from weft.api.call import Call
from weft.api.declaration import empty, fails, filters, flag, gives, takes
from weft.api.responses import empty_response, json_response
from weft.api.routing import Route
from weft.api.version import Version
from weft.api.wire.outcomes import VolumesPruned
from weft.api.wire.shapes import text_map
from weft.api.wire.volume import CREATE, VolumeAnswer, VolumeList, volume_answer
from weft.model.errors import Conflict, NotFound, Unavailable, Unimplemented

_ONLY_ANONYMOUS_SINCE = Version(1, 42)


class VolumeRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._volumes = backend.volumes

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        one = "/volumes/{name}"
        return (
            Route("GET", "/volumes", self.listing, takes(filters()), gives=gives(VolumeList)),
            Route(
                "POST",
                "/volumes/create",
                self.create,
                takes(body=CREATE, body_required=True),
                gives=gives(VolumeAnswer, NotFound, Conflict, Unimplemented, status=201),
            ),
            Route("POST", "/volumes/prune", self.prune, takes(filters()), gives=gives(VolumesPruned, Conflict)),
            Route("GET", one, self.inspect, gives=gives(VolumeAnswer, NotFound)),
            Route("PUT", one, self.update, gives=fails(NotFound, Unavailable)),
            Route("DELETE", one, self.remove, takes(flag("force")), gives=empty(NotFound, Conflict)),
        )

    async def listing(self, call: Call) -> web.StreamResponse:
        """GET /volumes."""
        records = self._volumes.list(call.filters())
        return json_response(VolumeList(volumes=[volume_answer(record) for record in records]))

    async def create(self, call: Call) -> web.StreamResponse:
        """POST /volumes/create."""
        request = await read_json(call, CREATE)
        if request.cluster_volume_spec:
            raise Unimplemented("ClusterVolumeSpec is not supported: Weft has local volumes only")
        record = await self._volumes.create(
            request.name or "", request.driver or "local", text_map(request.driver_opts), text_map(request.labels)
        )
        return json_response(volume_answer(record), 201)

    async def inspect(self, call: Call) -> web.StreamResponse:
        """GET /volumes/{name}."""
        return json_response(volume_answer(self._volumes.find(call.name)))

    async def update(self, call: Call) -> web.StreamResponse:
        """PUT /volumes/{name}: only cluster volumes can be updated."""
        self._volumes.find(call.name)
        raise Unavailable("volume update only valid for cluster volumes, but swarm is unavailable")

    async def remove(self, call: Call) -> web.StreamResponse:
        """DELETE /volumes/{name}."""
        await self._volumes.remove(call.name, force=call.flag("force"))
        return empty_response()

    async def prune(self, call: Call) -> web.StreamResponse:
        """POST /volumes/prune; before 1.42 named volumes went too."""
        filters = dict(call.filters())
        if call.version < _ONLY_ANONYMOUS_SINCE:
            filters["all"] = ("true",)
        pruned = await self._volumes.prune(filters)
        return json_response(VolumesPruned(volumes_deleted=pruned.deleted or None, space_reclaimed=pruned.reclaimed))
