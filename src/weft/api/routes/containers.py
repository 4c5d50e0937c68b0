"""Containers: list, create, inspect and what changes their state (Engine API v1.51, Container)."""

import time

from aiohttp import web

from weft.api.backend import Backend
from weft.api.body import read_json, read_limited
from weft.api.call import Call
from weft.api.declaration import empty, filters, flag, gives, number, takes, text
from weft.api.responses import empty_response, json_response
from weft.api.routes.machine import MachineFacts
from weft.api.routing import Route
from weft.api.version import Version
from weft.api.wire.container_create import DECODER, container_creation
from weft.api.wire.container_inspect import ContainerInspect, Surroundings, container_inspect
from weft.api.wire.container_list import ContainerSummary, Summaries, link_names
from weft.api.wire.container_update import DECODER as UPDATE
from weft.api.wire.container_update import PORTS, PortsAnswer, container_update, port_requests, ports_answer
from weft.api.wire.outcomes import ContainerCreated, ContainersPruned, TopAnswer, Warned
from weft.model.container import ContainerRecord
from weft.model.errors import Conflict, InvalidParameter, NotFound, NotModified, SystemFailure, Unimplemented

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
        ports = takes(body=PORTS, body_required=True)
        return (
            Route(
                "GET",
                "/containers/json",
                self.listing,
                takes(flag("all"), number("limit"), flag("size"), filters()),
                gives=gives(list[ContainerSummary], NotFound),
            ),
            Route(
                "POST",
                "/containers/create",
                self.create,
                takes(text("name"), text("platform"), body=DECODER, body_required=True),
                gives=gives(ContainerCreated, NotFound, Conflict, Unimplemented, status=201),
            ),
            Route("POST", "/containers/prune", self.prune, takes(filters()), gives=gives(ContainersPruned, Conflict)),
            Route("GET", f"{one}/json", self.inspect, takes(flag("size")), gives=gives(ContainerInspect, NotFound)),
            Route("GET", f"{one}/top", self.top, takes(text("ps_args")), gives=gives(TopAnswer, NotFound, Conflict)),
            *self._state_routes(),
            Route(
                "POST",
                f"{one}/rename",
                self.rename,
                takes(text("name", required=True)),
                gives=empty(NotFound, Conflict),
            ),
            Route(
                "POST",
                f"{one}/update",
                self.update,
                takes(body=UPDATE, body_required=True),
                gives=gives(Warned, NotFound, Conflict, Unimplemented),
            ),
            Route("POST", f"{one}/publish", self.publish, ports, gives=gives(PortsAnswer, NotFound, Conflict)),
            Route("POST", f"{one}/unpublish", self.unpublish, ports, gives=gives(PortsAnswer, NotFound, Conflict)),
            Route(
                "DELETE",
                one,
                self.remove,
                takes(flag("force"), flag("v"), flag("link")),
                gives=empty(NotFound, Conflict),
            ),
        )

    def _state_routes(self) -> tuple[Route, ...]:
        one = "/containers/{name}"
        ending = takes(number("t"), text("signal"))
        unchanged = empty(NotModified, NotFound, Conflict)
        changed = empty(NotFound, Conflict)
        return (
            Route("POST", f"{one}/start", self.start, gives=unchanged),
            Route("POST", f"{one}/stop", self.stop, ending, gives=unchanged),
            Route("POST", f"{one}/restart", self.restart, ending, gives=changed),
            Route("POST", f"{one}/kill", self.kill, takes(text("signal")), gives=changed),
            Route("POST", f"{one}/pause", self.pause, gives=changed),
            Route("POST", f"{one}/unpause", self.unpause, gives=changed),
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
        request = await read_json(call, DECODER)
        creation = container_creation(request, call.version, self._facts.machine)
        name = call.text("name").removeprefix("/")
        created = await self._containers.create(name, creation.spec, creation.networks, call.text("platform"))
        warnings = [*creation.warnings, *created.warnings]
        return json_response(ContainerCreated(id=created.id, warnings=warnings), 201)

    async def prune(self, call: Call) -> web.StreamResponse:
        """POST /containers/prune."""
        pruned = await self._containers.prune(call.filters())
        return json_response(
            ContainersPruned(containers_deleted=pruned.deleted or None, space_reclaimed=pruned.reclaimed)
        )

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
        return json_response(TopAnswer(titles=result.titles, processes=result.processes))

    async def start(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/start; a HostConfig in the body ended with 1.24."""
        if (await read_limited(call.request)).strip() not in (b"", b"{}", b"null"):
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
        change = container_update(await read_json(call, UPDATE), self._facts.machine)
        record = await self._containers.update(
            call.name, ports=change.ports, restart=change.restart, limits=change.limits
        )
        warnings = [*change.warnings, *ports_answer(record, change.ports or ()).warnings]
        return json_response(Warned(warnings=warnings))

    async def publish(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/publish: Weft's own; further ports, at once if the container runs."""
        requests = port_requests(await read_json(call, PORTS))
        return json_response(ports_answer(await self._containers.publish(call.name, requests), requests))

    async def unpublish(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/unpublish: Weft's own; takes ports back, of a running container too."""
        requests = port_requests(await read_json(call, PORTS))
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
