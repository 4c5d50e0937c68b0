"""Small pieces, sent together: what is produced without waiting goes out in one write."""

import asyncio
from types import TracebackType

from aiohttp import web

_LIMIT = 64 * 1024  # bytes


class Batch:
    """Collects pieces for a response; sends them as soon as the producer waits, or when they are many."""

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response
        self._pending = bytearray()
        self._sender: asyncio.Task[None] | None = None
        self._gone = False

    async def __aenter__(self) -> "Batch":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._idle()
            await self._send()
        elif self._sender is not None:
            self._sender.cancel()

    async def add(self, data: bytes) -> None:
        """Take a piece; waits while the client is slow, ConnectionError once it is gone."""
        if self._gone:
            raise ConnectionResetError("the client closed the connection")
        self._pending += data
        if len(self._pending) >= _LIMIT:
            await self._idle()
            await self._send()
        elif self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_when_idle())

    async def _idle(self) -> None:
        """Wait for what is being sent: one write at a time, or a slow client's would pile up."""
        if self._sender is not None:
            await asyncio.wait((self._sender,))

    async def _send_when_idle(self) -> None:
        """Runs when the producer lets the event loop go on, which is when it waits for more."""
        try:
            while self._pending:
                await self._send()
        except ConnectionError:
            self._gone = True
        finally:
            self._sender = None

    async def _send(self) -> None:
        data, self._pending = self._pending, bytearray()
        if data:
            await self._response.write(data)
