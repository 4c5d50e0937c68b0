"""Commit (Engine API v1.51, Image: ImageCommit)."""

from aiohttp import web

from weft.api.backend import Backend
from weft.api.body import read_json
from weft.api.call import Call
from weft.api.declaration import flag, gives, takes, text, texts
from weft.api.responses import json_response
from weft.api.routing import Route
from weft.api.wire.container_config import COMMIT, CommitConfig, image_config
from weft.api.wire.outcomes import IdAnswer
from weft.engine.containers.commit import CommitRequest
from weft.model.errors import Conflict, InvalidParameter, NotFound

_EMPTY = CommitConfig()


class CommitRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._commits = backend.commits

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        words = (text(name) for name in ("container", "repo", "tag", "comment", "author"))
        parameters = takes(*words, flag("pause"), texts("changes"), body=COMMIT)
        return (
            Route("POST", "/commit", self.commit, parameters, gives=gives(IdAnswer, NotFound, Conflict, status=201)),
        )

    async def commit(self, call: Call) -> web.StreamResponse:
        """POST /commit."""
        config = await read_json(call, COMMIT, empty=_EMPTY)
        container = call.text("container")
        if not container:
            raise InvalidParameter("No container name or ID supplied")
        request = CommitRequest(
            repository=call.text("repo"),
            tag=call.text("tag"),
            comment=call.text("comment"),
            author=call.text("author"),
            pause=call.flag("pause", default=True),
            changes=tuple(change for change in call.texts("changes") if change.strip()),
            config=None if config in (None, _EMPTY) else image_config(config, call.version),
        )
        return json_response(IdAnswer(id=await self._commits.commit(container, request)), 201)
