"""Putting the API on listening sockets, and taking it off again."""

import asyncio
import ssl
from collections.abc import Iterable
from socket import socket

from aiohttp import web

from weft.api.app import Application
from weft.api.tls import TlsSite

_MAXIMUM_LINE = 256 * 1024  # filters travel in the request line
_MAXIMUM_HEADER = 256 * 1024  # X-Registry-Config carries the credentials of every registry
_BACKLOG = 512


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
    server = web.Server(
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
