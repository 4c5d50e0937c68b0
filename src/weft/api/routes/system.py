"""The engine as a whole: ping, version, info, events, disk usage, credentials (Engine API v1.51, System)."""

import asyncio
import time

from aiohttp import web
from msgspec import UNSET

from weft.api.backend import Backend
from weft.api.body import read_json
from weft.api.call import Call
from weft.api.declaration import Media, empty, filters, gives, moment, takes, texts
from weft.api.registry_auth import DECODER, credentials_of
from weft.api.responses import HEADERS, encode, json_response
from weft.api.routes.containers import ContainerRoutes
from weft.api.routes.images import shared_sizes
from weft.api.routing import Route
from weft.api.streams.response import begin, started
from weft.api.version import Version
from weft.api.wire.container_list import ContainerSummary
from weft.api.wire.disk_usage import DiskUsage
from weft.api.wire.event import EventAnswer, event_answer
from weft.api.wire.image import ImageSummary, image_summary
from weft.api.wire.info import InfoAnswer, info_answer
from weft.api.wire.outcomes import LoginAnswer
from weft.api.wire.version_answer import VersionAnswer, version_answer
from weft.api.wire.volume import VolumeAnswer, VolumeUsage, volume_answer
from weft.model.errors import InvalidParameter, Unauthorized, Unimplemented

_PING = {
    **HEADERS,
    "Builder-Version": "",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Content-Type": "text/plain; charset=utf-8",
    "Pragma": "no-cache",
    "Swarm": "inactive",
}
_OK = Media("text/plain")
_BUILDER_SIZE_UNTIL = Version(1, 42)
_USAGE_TYPES = ("container", "image", "volume", "build-cache")


class SystemRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend, containers: ContainerRoutes) -> None:
        self._backend = backend
        self._containers = containers

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        return (
            Route("GET", "/_ping", self.ping, gives=gives(_OK)),
            Route("HEAD", "/_ping", self.ping, gives=empty(status=200)),
            Route("GET", "/version", self.version, gives=gives(VersionAnswer)),
            Route("GET", "/info", self.info, gives=gives(InfoAnswer)),
            Route(
                "GET",
                "/events",
                self.events,
                takes(moment("since"), moment("until"), filters()),
                gives=gives(Media("application/json", EventAnswer)),
                streams=True,
            ),
            Route(
                "GET",
                "/system/df",
                self.disk_usage,
                takes(texts("type", values=_USAGE_TYPES)),
                gives=gives(DiskUsage),
            ),
            Route(
                "POST",
                "/auth",
                self.auth,
                takes(body=DECODER, body_required=True),
                gives=gives(LoginAnswer, Unauthorized, Unimplemented),
            ),
        )

    async def ping(self, call: Call) -> web.StreamResponse:
        """GET and HEAD /_ping."""
        return web.Response(body=b"" if call.request.method == "HEAD" else b"OK", headers=_PING)

    async def version(self, call: Call) -> web.StreamResponse:
        """GET /version."""
        return json_response(version_answer(self._backend.system.state()))

    async def info(self, call: Call) -> web.StreamResponse:
        """GET /info."""
        return json_response(info_answer(self._backend.system.state(), call.version, time.time_ns()))

    async def events(self, call: Call) -> web.StreamResponse:
        """GET /events: headers at once, each event as it happens."""
        since, until = call.time("since"), call.time("until")
        if until and since > until:
            raise InvalidParameter(
                f"`since` time ({call.text('since')}) cannot be after `until` time ({call.text('until')})"
            )
        async with started(self._backend.events.subscribe(filters=call.filters(), since=since, until=until)) as events:
            response = await begin(call, "application/json")
            async for event in events:
                await response.write(encode(event_answer(event)) + b"\n")
        return response

    async def disk_usage(self, call: Call) -> web.StreamResponse:
        """GET /system/df: what writable layers and volumes hold is measured, however long it takes."""
        wanted = call.texts("type") or _USAGE_TYPES
        for kind in wanted:
            if kind not in _USAGE_TYPES:
                raise InvalidParameter(f"unknown object type: {kind}")
        cache = "build-cache" in wanted
        return json_response(
            DiskUsage(
                layers_size=self._layers_size() if "image" in wanted else UNSET,
                images=self._images(call) if "image" in wanted else UNSET,
                containers=await self._summaries(call) if "container" in wanted else UNSET,
                volumes=await self._volumes() if "volume" in wanted else UNSET,
                build_cache=[] if cache else UNSET,
                builder_size=0 if cache and call.version < _BUILDER_SIZE_UNTIL else UNSET,
            )
        )

    async def auth(self, call: Call) -> web.StreamResponse:
        """POST /auth."""
        config = await read_json(call, DECODER)
        credentials = credentials_of(config) if config is not None else None
        if credentials is None or not credentials.username or not credentials.password.strip("\r\n"):
            raise InvalidParameter("username and password are needed to log in")
        status = await self._backend.system.verify_credentials(
            credentials.username, credentials.password, credentials.server
        )
        return json_response(LoginAnswer(status=status))

    async def _summaries(self, call: Call) -> list[ContainerSummary]:
        records = self._backend.containers.list(all=True, limit=0, filters={})
        return await self._containers.summaries(records, call.version, sizes=True)

    def _layers_size(self) -> int:
        layers: dict[str, int] = {}
        for image in self._backend.images.list():
            layers.update(zip(image.layers, image.layer_sizes, strict=False))
        return sum(layers.values())

    def _images(self, call: Call) -> list[ImageSummary]:
        images = self._backend.images
        records = images.list()
        shared = shared_sizes(records)
        return [
            image_summary(
                record, call.version, containers=images.containers_of(record.id), shared_size=shared[record.id]
            )
            for record in records
        ]

    async def _volumes(self) -> list[VolumeAnswer]:
        users: dict[str, int] = {}
        for record in self._backend.containers.list(all=True, limit=0, filters={}):
            for name in {mount.name for mount in record.mounts if mount.name}:
                users[name] = users.get(name, 0) + 1
        volumes = self._backend.volumes
        records = volumes.list({})
        sizes = await asyncio.gather(*(volumes.size(record) for record in records))
        return [
            volume_answer(record, VolumeUsage(size=size, ref_count=users.get(record.name, 0)))
            for record, size in zip(records, sizes, strict=True)
        ]
