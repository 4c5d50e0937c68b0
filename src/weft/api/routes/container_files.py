"""Files of containers: archives in and out, export, changes (Engine API v1.51, Container)."""

from aiohttp import web

from weft.api.backend import Backend
from weft.api.call import Call
from weft.api.declaration import Media, empty, flag, gives, takes, text
from weft.api.responses import HEADERS, json_response
from weft.api.routing import Route
from weft.api.streams.response import send_all
from weft.api.wire.file_change import FileChangeAnswer, file_changes_answer
from weft.api.wire.path_stat import path_stat_header
from weft.engine.contract.container_files import Extraction
from weft.model.errors import Conflict, Forbidden, InvalidParameter, NotFound

ARCHIVE = Media("application/x-tar")
_EXPORT = Media("application/octet-stream")


class ContainerFileRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._files = backend.files

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        one = "/containers/{name}"
        where = text("path", required=True)
        return (
            Route("HEAD", f"{one}/archive", self.stat, takes(where), gives=empty(NotFound, status=200)),
            Route("GET", f"{one}/archive", self.read, takes(where), gives=gives(ARCHIVE, NotFound), streams=True),
            Route(
                "PUT",
                f"{one}/archive",
                self.write,
                takes(where, flag("noOverwriteDirNonDir"), flag("copyUIDGID"), body=ARCHIVE),
                gives=empty(NotFound, Forbidden, status=200),
                streams=True,
            ),
            Route("GET", f"{one}/export", self.export, gives=gives(_EXPORT, NotFound, Conflict), streams=True),
            Route("GET", f"{one}/changes", self.changes, gives=gives(list[FileChangeAnswer] | None, NotFound)),
        )

    async def stat(self, call: Call) -> web.StreamResponse:
        """HEAD /containers/{name}/archive."""
        found = await self._files.stat(call.name, _path(call))
        return web.Response(headers={**HEADERS, **path_stat_header(found)})

    async def read(self, call: Call) -> web.StreamResponse:
        """GET /containers/{name}/archive."""
        async with self._files.archive(call.name, _path(call)) as (found, chunks):
            return await send_all(call, ARCHIVE.content_type, chunks, path_stat_header(found))

    async def write(self, call: Call) -> web.StreamResponse:
        """PUT /containers/{name}/archive."""
        how = Extraction(keep_types=call.flag("noOverwriteDirNonDir"), own=call.flag("copyUIDGID"))
        await self._files.extract(call.name, _path(call), call.chunks(), how)
        return web.Response(headers=HEADERS)

    async def export(self, call: Call) -> web.StreamResponse:
        """GET /containers/{name}/export."""
        async with self._files.export(call.name) as chunks:
            return await send_all(call, _EXPORT.content_type, chunks)

    async def changes(self, call: Call) -> web.StreamResponse:
        """GET /containers/{name}/changes."""
        return json_response(file_changes_answer(await self._files.changes(call.name)))


def _path(call: Call) -> str:
    path = call.text("path")
    if not path:
        raise InvalidParameter("bad parameter: path cannot be empty")
    if "\0" in path:
        raise InvalidParameter("bad parameter: path cannot hold a NUL character")
    return path
