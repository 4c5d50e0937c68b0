"""The event bus: a short memory and live subscribers, none of which can hold another up."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping

from weft.engine.event_filters import matcher
from weft.model.event import Event

REMEMBERED = 256  # as many as dockerd keeps
_BACKLOG = 4096  # a subscriber that is further behind is dropped

Filters = Mapping[str, tuple[str, ...]]


class EventBus:
    """Publishes events to subscribers; implements the API's event stream."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._memory: deque[Event] = deque(maxlen=REMEMBERED)
        self._subscribers: set[asyncio.Queue[Event | None]] = set()

    @property
    def listeners(self) -> int:
        """How many subscribers there are."""
        return len(self._subscribers)

    def emit(self, type: str, action: str, actor_id: str, attributes: Mapping[str, str] | None = None) -> None:
        """Publish what happened now."""
        event = Event(type=type, action=action, actor_id=actor_id, time=self._now(), attributes=attributes or {})
        self._memory.append(event)
        for queue in tuple(self._subscribers):
            if queue.qsize() >= _BACKLOG:
                self._subscribers.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    async def subscribe(self, *, filters: Filters, since: int, until: int) -> AsyncIterator[Event]:
        """Yield events from `since` (0: from now) until `until` (0: for ever), nanoseconds since the epoch.

        InvalidParameter for an unknown filter.
        """
        wanted = matcher(filters)
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._subscribers.add(queue)
        try:
            for event in tuple(self._memory) if since else ():
                if since <= event.time and (not until or event.time <= until) and wanted(event):
                    yield event
            while (following := await self._next(queue, until)) is not None:
                if wanted(following):
                    yield following
        finally:
            self._subscribers.discard(queue)

    async def _next(self, queue: asyncio.Queue[Event | None], until: int) -> Event | None:
        if not until:
            return await queue.get()
        left = (until - self._now()) / 1e9
        if left <= 0:
            return None
        try:
            async with asyncio.timeout(left):
                return await queue.get()
        except TimeoutError:
            return None
