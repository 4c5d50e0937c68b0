"""Putting the API on listening sockets, and taking it off again."""

import asyncio
import logging
import ssl
from collections.abc import Iterable
from socket import socket

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from weft.api.app import Application
from weft.api.call import said_of
from weft.api.errors import INTERNAL
from weft.api.responses import error_response
from weft.api.tls import TlsSite

_log = logging.getLogger(__name__)
_MAXIMUM_LINE = 256 * 1024  # filters travel in the request line
_MAXIMUM_HEADER = 256 * 1024  # X-Registry-Config carries the credentials of every registry
_BACKLOG = 512


class _Connection(web.RequestHandler):
    """Answers what is no request in the API's shape, and keeps it out of the log: anybody can send that."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        request = self._current_request
        if self._messages and request is not None and not request.content.is_eof():
            error = getattr(self._messages[-1][0], "exc", None)
            if error is not None:  # what is malformed belongs to the body that is being read: its reader waits for it
                request.content.set_exception(error)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("a status was sent already")
        if status >= 500:
            _log.error("answering a request failed", exc_info=exc)
            answer = error_response(status, INTERNAL)
        else:
            reason = " ".join(said_of(message or "").split())
            answer = error_response(_status_of_malformed(exc, reason), f"malformed HTTP request: {reason}")
        answer.force_close()
        return answer


class _HttpServer(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


def _status_of_malformed(error: BaseException | None, reason: str) -> int:
    """Return what Go's HTTP server, which is Docker's, answers."""
    if isinstance(error, LineTooLong) or "Too many headers" in reason:
        return 431
    if "Invalid HTTP version" in reason:
        return 505
    return 501 if "invalid Transfer-Encoding" in reason else 400


class Server:
    """A running API."""

    def __init__(self, app: Application, runner: web.ServerRunner, sites: tuple[web.BaseSite, ...]) -> None:
        self._app = app
        self._runner = runner
        self._sites = sites

    async def stop(self, grace: float = 10.0) -> None:
        """Stop listening, end streams, give requests in progress `grace` seconds, close every connection.

        Socket files stay: who bound them removes them.
        """
        for site in self._sites:
            await site.stop()
        self._app.cancel_streams()
        await self._runner.cleanup()
        try:
            async with asyncio.timeout(grace):
                await self._app.finish_changes()
        except TimeoutError:
            return


async def serve(
    app: Application, sockets: Iterable[tuple[socket, ssl.SSLContext | None]], *, grace: float = 10.0
) -> Server:
    """Serve `app` on listening sockets (Unix or TCP), with TLS where a context is given; return at once.

    Works on asyncio's and on uvloop's event loop. `grace` is how long requests may take after `Server.stop`.
    """
    server = _HttpServer(
        app,
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
        max_line_size=_MAXIMUM_LINE,
        max_field_size=_MAXIMUM_HEADER,
    )
    runner = web.ServerRunner(server, shutdown_timeout=grace)
    await runner.setup()
    sites = tuple(_site(runner, listener, context) for listener, context in sockets)
    try:
        for site in sites:
            await site.start()
    except BaseException:
        await runner.cleanup()
        raise
    return Server(app, runner, sites)


def _site(runner: web.ServerRunner, listener: socket, context: ssl.SSLContext | None) -> web.BaseSite:
    if context is None:
        return web.SockSite(runner, listener, backlog=_BACKLOG)
    return TlsSite(runner, listener, context, _BACKLOG)
