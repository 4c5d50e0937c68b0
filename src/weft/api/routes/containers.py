"""Containers: list, create, inspect and what changes their state (Engine API v1.51, Container)."""

import time

from aiohttp import web

from weft.api.backend import Backend
from weft.api.body import read_json
from weft.api.call import Call
from weft.api.responses import empty_response, json_response
from weft.api.routes.machine import MachineFacts
from weft.api.routing import Route
from weft.api.version import Version
from weft.api.wire.container_create import DECODER, container_creation
from weft.api.wire.container_inspect import Surroundings, container_inspect
from weft.api.wire.container_list import ContainerSummary, Summaries, link_names
from weft.api.wire.container_update import DECODER as UPDATE
from weft.api.wire.container_update import PORTS, container_update, port_requests, ports_answer
from weft.model.container import ContainerRecord
from weft.model.errors import InvalidParameter, NotFound, SystemFailure

_STOP_SIGNAL_SINCE = Version(1, 42)


class ContainerRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend, facts: MachineFacts) -> None:
        self._containers = backend.containers
        self._images = backend.images
        self._facts = facts
        self._summaries = Summaries()

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        one = "/containers/{name}"
        return (
            Route("GET", "/containers/json", self.listing),
            Route("POST", "/containers/create", self.create),
            Route("POST", "/containers/prune", self.prune),
            Route("GET", f"{one}/json", self.inspect),
            Route("GET", f"{one}/top", self.top),
            Route("POST", f"{one}/start", self.start),
            Route("POST", f"{one}/stop", self.stop),
            Route("POST", f"{one}/restart", self.restart),
            Route("POST", f"{one}/kill", self.kill),
            Route("POST", f"{one}/pause", self.pause),
            Route("POST", f"{one}/unpause", self.unpause),
            Route("POST", f"{one}/rename", self.rename),
            Route("POST", f"{one}/update", self.update),
            Route("POST", f"{one}/publish", self.publish),
            Route("POST", f"{one}/unpublish", self.unpublish),
            Route("DELETE", one, self.remove),
        )

    async def listing(self, call: Call) -> web.StreamResponse:
        """GET /containers/json."""
        limit = max(call.number("limit") or 0, 0)  # docker-py sends -1 for no limit
        records = self._containers.list(all=call.flag("all"), limit=limit, filters=call.filters())
        return json_response(await self.summaries(records, call.version, sizes=call.flag("size")))

    async def summaries(
        self, records: tuple[ContainerRecord, ...], version: Version, *, sizes: bool
    ) -> list[ContainerSummary]:
        """Return the lines of ps; the sizes cost a walk over each writable layer."""
        now = time.time_ns()
        everything = self._containers.list(all=True, limit=0, filters={})
        self._summaries.keep_only({record.id for record in everything})
        links = link_names(everything)
        names: dict[tuple[str, str], str] = {}
        return [
            self._summaries.line(
                record,
                version,
                now,
                image=self._image_name(record, names),
                links=links.get(record.id, ()),
                sizes=await self._containers.sizes(record.id) if sizes else None,
            )
            for record in records
        ]

    async def create(self, call: Call) -> web.StreamResponse:
        """POST /containers/create."""
        request = await read_json(call.request, DECODER)
        creation = container_creation(request, call.version, self._facts.machine)
        name = call.text("name").removeprefix("/")
        created = await self._containers.create(name, creation.spec, creation.networks, call.text("platform"))
        warnings = [*creation.warnings, *created.warnings]
        return json_response({"Id": created.id, "Warnings": warnings}, 201)

    async def prune(self, call: Call) -> web.StreamResponse:
        """POST /containers/prune."""
        pruned = await self._containers.prune(call.filters())
        return json_response({"ContainersDeleted": pruned.deleted or None, "SpaceReclaimed": pruned.reclaimed})

    async def inspect(self, call: Call) -> web.StreamResponse:
        """GET /containers/{name}/json."""
        containers = self._containers
        record = containers.find(call.name)
        around = Surroundings(
            machine=self._facts.machine,
            directory=containers.directory(record),
            layers=self._layers(record),
            log_path=containers.log_path(record),
            sandbox_path=containers.sandbox_path(record),
            exec_ids=containers.exec_ids(record),
            links=containers.links(record),
            sizes=await containers.sizes(record.id) if call.flag("size") else None,
        )
        return json_response(container_inspect(record, around, call.version))

    async def top(self, call: Call) -> web.StreamResponse:
        """GET /containers/{name}/top."""
        result = await self._containers.top(call.name, call.text("ps_args") or "-ef")
        return json_response({"Titles": result.titles, "Processes": result.processes})

    async def start(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/start; a HostConfig in the body ended with 1.24."""
        if (call.request.content_length or 0) > 2 and (await call.request.read()).strip() not in (b"", b"{}", b"null"):
            raise InvalidParameter("starting container with non-empty request body was deprecated and removed in v1.24")
        await self._containers.start(call.name)
        return empty_response()

    async def stop(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/stop."""
        await self._containers.stop(call.name, grace=call.number("t"), signal=_signal(call))
        return empty_response()

    async def restart(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/restart."""
        await self._containers.restart(call.name, grace=call.number("t"), signal=_signal(call))
        return empty_response()

    async def kill(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/kill."""
        await self._containers.kill(call.name, call.text("signal") or "SIGKILL")
        return empty_response()

    async def pause(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/pause."""
        await self._containers.pause(call.name)
        return empty_response()

    async def unpause(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/unpause."""
        await self._containers.unpause(call.name)
        return empty_response()

    async def rename(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/rename."""
        await self._containers.rename(call.name, call.text("name"))
        return empty_response()

    async def update(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/update, with PortBindings besides Docker's fields."""
        change = container_update(await read_json(call.request, UPDATE), self._facts.machine.cpus)
        record = await self._containers.update(
            call.name, ports=change.ports, restart=change.restart, limits=change.limits
        )
        return json_response({"Warnings": ports_answer(record, change.ports or ()).warnings})

    async def publish(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/publish: Weft's own; further ports, at once if the container runs."""
        requests = port_requests(await read_json(call.request, PORTS))
        return json_response(ports_answer(await self._containers.publish(call.name, requests), requests))

    async def unpublish(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/unpublish: Weft's own; takes ports back, of a running container too."""
        requests = port_requests(await read_json(call.request, PORTS))
        return json_response(ports_answer(await self._containers.withdraw(call.name, requests)))

    async def remove(self, call: Call) -> web.StreamResponse:
        """DELETE /containers/{name}."""
        await self._containers.remove(
            call.name, force=call.flag("force"), volumes=call.flag("v"), link=call.flag("link")
        )
        return empty_response()

    def _layers(self, record: ContainerRecord) -> tuple[str, ...]:
        """A container can be looked at although its image's files are lost."""
        try:
            return self._images.layer_directories(record.layers)
        except SystemFailure:
            return ()

    def _image_name(self, record: ContainerRecord, names: dict[tuple[str, str], str]) -> str:
        """Return the image as the user wrote it, its id where that name has come to mean another image."""
        key = (record.spec.image, record.image_id)
        if key not in names:
            names[key] = record.spec.image if self._is_image(*key) else record.image_id
        return names[key]

    def _is_image(self, reference: str, image_id: str) -> bool:
        try:
            return self._images.find(reference).id == image_id
        except NotFound:
            return False


def _signal(call: Call) -> str:
    return call.text("signal") if call.version >= _STOP_SIGNAL_SINCE else ""
