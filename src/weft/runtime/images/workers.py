"""Threads for what blocks: hashing, unpacking, reading pipes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_THREADS = 16


class Workers:
    """A pool whose work can be interrupted: nothing goes on in a thread after its caller was cancelled."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="images")

    async def run(self, work: Callable[[], T], interrupt: Callable[[], None] | None = None) -> T:
        """Return what `work` returns. On cancellation `interrupt` is called to make it end, and its end is awaited."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if interrupt is not None:
                interrupt()
            await asyncio.wait([future])
            future.exception()  # it was interrupted: what it says of that is of no interest
            raise

    def close(self) -> None:
        """End the threads once they are idle."""
        self._pool.shutdown(wait=False)
