"""The Engine API as one request handler."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from weft.api.backend import Backend
from weft.api.call import Call
from weft.api.errors import INTERNAL, PAGE_NOT_FOUND, flatten, status_of
from weft.api.responses import Unsent, error_response
from weft.api.routes.table import all_routes
from weft.api.routing import Route, Router
from weft.api.version import split_version

_log = logging.getLogger(__name__)


class Application:
    """Answers requests; `weft.api.server.serve` puts it on sockets."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._streams: set[asyncio.Task[Any]] = set()
        self._changes: set[asyncio.Task[Any]] = set()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request. Only cancellation gets out: errors become responses here."""
        try:
            return await self._answer(request)
        except Exception as error:  # noqa: BLE001 - the edge: whatever happened, the client gets an answer
            return self._failure(request, error)

    def cancel_streams(self) -> None:
        """End every stream (events, logs, attach …): they have no end of their own to wait for."""
        for task in tuple(self._streams):
            task.cancel()

    async def finish_changes(self) -> None:
        """Wait for the changes that go on although their client went away."""
        while self._changes:
            await asyncio.gather(*self._changes, return_exceptions=True)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        version, path = split_version(request.path)
        found = self._router.resolve(request.method, path)
        if found is None:
            return error_response(404, PAGE_NOT_FOUND)
        route, name = found
        expected = request.headers.get("Expect", "").lower()
        if expected == "100-continue":
            await _say_continue(request)
        elif expected:
            return error_response(417, f"unknown expectation: {expected}")
        call = Call(request, version, name, route.takes)
        if route.streams:
            return await self._stream(route, call)
        if request.method in ("GET", "HEAD"):
            return await route.handler(call)
        return await self._carry_through(_run(route, call))

    async def _stream(self, route: Route, call: Call) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._streams.add(task)
        try:
            return await route.handler(call)
        finally:
            self._streams.discard(task)

    async def _carry_through(self, work: Coroutine[Any, Any, web.StreamResponse]) -> web.StreamResponse:
        """A client that goes away cancels its request, and must not leave a container half started."""
        task = asyncio.get_running_loop().create_task(work)
        self._changes.add(task)
        task.add_done_callback(self._changed)
        return await asyncio.shield(task)

    def _changed(self, task: "asyncio.Task[Any]") -> None:
        self._changes.discard(task)
        if not task.cancelled():
            task.exception()  # seen: where the client is gone nobody else asks

    def _failure(self, request: web.BaseRequest, error: Exception) -> web.StreamResponse:
        begun = _answer_begun(request)
        if begun and isinstance(error, ConnectionError):
            return Unsent()  # the client left
        known = flatten(error)
        if known is None:
            _log.error("%s %s failed", request.method, request.path, exc_info=error)
            return Unsent() if begun else error_response(500, INTERNAL)
        if begun:
            _log.warning("%s %s ended early: %s", request.method, request.path, known.message)
            return Unsent()
        return error_response(status_of(known), known.message)


def create_app(backend: Backend) -> Application:
    """Return the Engine API over a backend, to be given to `serve`."""
    return Application(Router(all_routes(backend)))


async def _run(route: Route, call: Call) -> web.StreamResponse:
    return await route.handler(call)


def _answer_begun(request: web.BaseRequest) -> bool:
    """Whether a status was sent, or the connection is no longer HTTP, or there is none."""
    transport = request.transport
    return transport is None or request.writer.output_size > 0 or transport.get_protocol() is not request.protocol


async def _say_continue(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is not None:
        transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
