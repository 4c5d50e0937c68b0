"""A v1 plugin in the test's own process: answers by method, calls noted."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

Reply = Any | Callable[[dict[str, Any]], Any]


class FakePlugin:
    """`replies` has, by method, a JSON value, bytes as they stand, a web.Response, or what makes one of a request."""

    def __init__(self, socket: Path, implements: tuple[str, ...], replies: dict[str, Reply] | None = None) -> None:
        self.socket = socket
        self.replies: dict[str, Reply] = {
            "Plugin.Activate": {"Implements": list(implements)},
            "NetworkDriver.GetCapabilities": {"Scope": "local"},
            "IpamDriver.GetDefaultAddressSpaces": {"LocalDefaultAddressSpace": "here"},
            **(replies or {}),
        }
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._runner: web.AppRunner | None = None
        self._transport: asyncio.BaseTransport | None = None

    @property
    def methods(self) -> list[str]:
        """The methods called, without the plugin's own."""
        return [method.partition(".")[2] for method, _ in self.calls if not method.startswith("Plugin.")]

    def body(self, method: str) -> dict[str, Any]:
        """What the last call of a method sent."""
        return next(body for called, body in reversed(self.calls) if called.endswith(method))

    def cut(self) -> None:
        """Close the connection of the call under way."""
        assert self._transport is not None
        self._transport.close()

    async def __aenter__(self) -> FakePlugin:
        app = web.Application()
        app.router.add_post("/{method}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self._transport = request.transport
        body = json.loads(await request.read())
        self.calls.append((method, body))
        reply = self.replies.get(method, {})
        if callable(reply):
            reply = reply(body)
        if inspect.isawaitable(reply):
            reply = await reply
        if isinstance(reply, web.StreamResponse):
            return reply
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        return web.Response(body=content, content_type="application/json")
