"""Execs (Engine API v1.51, Exec)."""

import logging

from aiohttp import web

from weft.api.backend import Backend
from weft.api.body import read_json
from weft.api.call import Call
from weft.api.declaration import empty, gives, takes
from weft.api.errors import INTERNAL, flatten
from weft.api.responses import Unsent, empty_response, json_response
from weft.api.routes.container_io import SIZE, STREAM, terminal_size
from weft.api.routing import Route
from weft.api.streams.detach import parse_keys
from weft.api.streams.hijack import HijackedConnection, hijack
from weft.api.streams.session import SessionOptions, run_session
from weft.api.streams.stdcopy import content_type, header
from weft.api.wire.container_create import console_size
from weft.api.wire.exec import CREATE, START, ExecInspect, ExecStartRequest, exec_inspect, exec_spec
from weft.api.wire.outcomes import IdAnswer
from weft.engine.contract.runtime import Stdio
from weft.model.errors import Conflict, NotFound, Unimplemented

_log = logging.getLogger(__name__)


class ExecRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._execs = backend.execs

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        return (
            Route(
                "POST",
                "/containers/{name}/exec",
                self.create,
                takes(body=CREATE, body_required=True),
                gives=gives(IdAnswer, NotFound, Conflict, Unimplemented, status=201),
            ),
            Route(
                "POST",
                "/exec/{name}/start",
                self.start,
                takes(body=START),
                gives=gives(STREAM, NotFound, Conflict, more={101: STREAM}),
                streams=True,
            ),
            Route("POST", "/exec/{name}/resize", self.resize, SIZE, gives=empty(NotFound, Conflict, status=200)),
            Route("GET", "/exec/{name}/json", self.inspect, gives=gives(ExecInspect, NotFound)),
        )

    async def create(self, call: Call) -> web.StreamResponse:
        """POST /containers/{name}/exec."""
        spec = exec_spec(await read_json(call, CREATE))
        return json_response(IdAnswer(id=await self._execs.create(call.name, spec)), 201)

    async def start(self, call: Call) -> web.StreamResponse:
        """POST /exec/{name}/start: hijacks the connection, unless the exec is to run detached."""
        request = await read_json(call, START, empty=ExecStartRequest())
        size = console_size(request.console_size)
        state = self._execs.inspect(call.name)
        if request.detach:
            await self._execs.start(state.id, detach=True, tty=bool(request.tty), console_size=size)
            return empty_response(200)
        tty = bool(request.tty)
        connection = await hijack(call.request, content_type(call.version, tty=tty))
        stdio = await self._begin(connection, state.id, tty, size)
        if stdio is None:
            await connection.finish()
            return Unsent()
        spec = state.spec
        options = SessionOptions(
            tty=tty,
            stdin=spec.attach_stdin,
            stdout=spec.attach_stdout,
            stderr=spec.attach_stderr,
            detach_keys=parse_keys(spec.detach_keys),
        )
        await run_session(connection, stdio, options)
        return Unsent()

    async def resize(self, call: Call) -> web.StreamResponse:
        """POST /exec/{name}/resize."""
        rows, columns = terminal_size(call)
        await self._execs.resize(call.name, rows, columns)
        return empty_response(200)

    async def inspect(self, call: Call) -> web.StreamResponse:
        """GET /exec/{name}/json."""
        return json_response(exec_inspect(self._execs.inspect(call.name)))

    async def _begin(
        self, connection: HijackedConnection, exec_id: str, tty: bool, size: tuple[int, int]
    ) -> Stdio | None:
        """Start it; the status is already sent, so what goes wrong is said in the stream, as Docker does."""
        try:
            return await self._execs.start(exec_id, detach=False, tty=tty, console_size=size)
        except Exception as error:  # noqa: BLE001 - the stream is the only place left to say it
            known = flatten(error)
            if known is None:
                _log.error("starting exec %s failed", exec_id, exc_info=error)
            text = f"{known.message if known else INTERNAL}\r\n".encode()
            await connection.write((text,) if tty else (header(1, len(text)), text))
            return None
