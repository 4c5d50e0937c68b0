"""Progress of long work, as a stream of lines that a client reads while the work goes on."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from weft.engine.contract.images import Progress

Report = Callable[[Progress], None]
T = TypeVar("T")
_INTERVAL = 0.1  # seconds between two lines of one row


async def stream(work: Callable[[Report], Awaitable[None]]) -> AsyncGenerator[Progress, None]:
    """Yield what `work` reports, then raise what it raised. A stream closed early cancels it and awaits its end."""
    lines: asyncio.Queue[Progress | None] = asyncio.Queue()

    async def run() -> None:
        try:
            await work(lines.put_nowait)
        finally:
            lines.put_nowait(None)

    task = asyncio.create_task(run())
    try:
        while (line := await lines.get()) is not None:
            yield line
        await task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # raised above already, or nobody listens any more


async def report_while(work: Awaitable[T], report: Callable[[], None]) -> T:
    """Await `work`, reporting now and then meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_INTERVAL)
            if not task.done():
                report()
    except asyncio.CancelledError:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        raise
    return task.result()


class Row:
    """The line of one layer, under the first twelve digits of its digest."""

    def __init__(self, digest: str, report: Report) -> None:
        self._id = digest.removeprefix("sha256:")[:12]
        self._report = report

    def say(self, status: str, current: int = 0, total: int = 0) -> None:
        """Report a status, with bytes where they are known."""
        self._report(Progress(status=status, id=self._id, current=current, total=total, row=True))
