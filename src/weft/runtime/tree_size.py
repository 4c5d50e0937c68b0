"""How much the files below a directory hold: measured beside the daemon's other work, however much there is."""

import asyncio
import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

_THREADS: Final = 2  # so that a small tree need not wait for a large one


class TreeSizes:
    """Measures in threads of its own: those that everything else waits for stay free.

    Who asks for what is being measured shares the result.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="weft-sizes")
        self._running: dict[str, asyncio.Future[int]] = {}
        self._closed = threading.Event()

    async def of(self, top: str) -> int:
        """Return the bytes of the files below a directory, each inode once; what vanishes meanwhile is left out."""
        running = self._running.get(top)
        if running is None:
            loop = asyncio.get_running_loop()
            running = self._running[top] = loop.run_in_executor(self._threads, tree_size, top, self._closed)
            running.add_done_callback(lambda _: self._running.pop(top, None))
        return await asyncio.shield(running)

    def close(self) -> None:
        """Stop measuring."""
        self._closed.set()
        self._threads.shutdown(wait=False, cancel_futures=True)


def tree_size(top: str, stopped: threading.Event) -> int:
    """Return the bytes of the files below a directory, or of as many as were seen when it was stopped."""
    total = 0
    linked: set[tuple[int, int]] = set()
    pending = [top]
    while pending and not stopped.is_set():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    if status.st_nlink > 1:
                        if (status.st_dev, status.st_ino) in linked:
                            continue
                        linked.add((status.st_dev, status.st_ino))
                    total += status.st_size
    return total
