"""A readiness loop of epoll and a few timers: asyncio would double this process's memory and cost time a packet."""

import heapq
import select
import time
from collections.abc import Callable
from itertools import count

READ, WRITE = select.EPOLLIN, select.EPOLLOUT
Handler = Callable[[int], None]


class Loop:
    """Calls handlers of ready file descriptors and timers that are due. Handlers never block.

    A handler may be called for a descriptor that is not ready (one closed and opened anew within a round): it must
    take EAGAIN for an answer. `report` is told of a handler's exception; the loop goes on.
    """

    def __init__(self, report: Callable[[BaseException], None]) -> None:
        self._report = report
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._running = False

    def now(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()

    def watch(self, fd: int, handler: Handler, events: int = READ) -> None:
        """Call `handler` with the events of a descriptor whenever it is ready."""
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def change(self, fd: int, events: int) -> None:
        """Wait for other events of a watched descriptor."""
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Stop watching a descriptor; to be called before it is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call `callback` once, not before `seconds` have passed."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), callback))

    def run(self) -> None:
        """Serve until `stop`."""
        self._running = True
        while self._running:
            self.step(None)

    def stop(self) -> None:
        """Let `run` return after the present round."""
        self._running = False

    def close(self) -> None:
        """Release the epoll descriptor."""
        self._epoll.close()

    def step(self, longest: float | None) -> None:
        """Wait, at most `longest` seconds, for something to be ready; then call what is."""
        timeout = longest
        if self._timers:
            due = max(self._timers[0][0] - time.monotonic(), 0.0)
            timeout = due if longest is None else min(due, longest)
        handlers = self._handlers
        for fd, events in self._epoll.poll(timeout):
            handler = handlers.get(fd)
            if handler is None:
                continue
            try:
                handler(events)
            except Exception as error:  # noqa: BLE001 - one client's trouble must not silence the others
                self._report(error)
        if self._timers:
            self._fire()

    def _fire(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2]
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - as above
                self._report(error)
