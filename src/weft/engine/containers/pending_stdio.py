"""Standard streams that were asked for before the container started."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

from weft.engine.contract.runtime import Stdio


class PendingStdio:
    """A Stdio that waits for the real one: connected between create and start, so that nothing is lost."""

    def __init__(self) -> None:
        self._real: asyncio.Future[Stdio | None] = asyncio.get_running_loop().create_future()
        self._closed = False

    def connect(self, real: Stdio | None) -> None:
        """Go on with the real streams; None if the container will not start."""
        if self._closed and real is not None:
            real.close()
        elif not self._real.done():
            self._real.set_result(real)

    @property
    def closed(self) -> bool:
        """Whether the client has gone."""
        return self._closed

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield the real output once it is there; nothing if the container never starts."""
        real = await asyncio.shield(self._real)
        if real is not None:
            async for piece in real.output():
                yield piece

    async def write(self, data: bytes) -> None:
        """Send to standard input, waiting for the start."""
        real = await asyncio.shield(self._real)
        if real is not None:
            await real.write(data)

    async def close_input(self) -> None:
        """Half-close, waiting for the start."""
        real = await asyncio.shield(self._real)
        if real is not None:
            await real.close_input()

    def close(self) -> None:
        """Drop the connection, made or not."""
        self._closed = True
        if not self._real.done():
            self._real.set_result(None)
        elif (real := self._real.result()) is not None:
            real.close()


class Attachers:
    """Pending streams by container."""

    def __init__(self) -> None:
        self._pending: dict[str, list[PendingStdio]] = defaultdict(list)

    def add(self, container_id: str) -> PendingStdio:
        """Return streams that connect when the container starts."""
        stdio = PendingStdio()
        self._pending[container_id].append(stdio)
        return stdio

    def take(self, container_id: str) -> list[PendingStdio]:
        """Return and forget those who wait for this container and are still there."""
        return [stdio for stdio in self._pending.pop(container_id, []) if not stdio.closed]
