"""Who waits for a container to end or to go."""

import asyncio
from collections import defaultdict

from weft.engine.waiting import WaitCondition, WaitResult
from weft.model.container import ContainerRecord


class Waiters:
    """Futures by container; a waiter that went away is forgotten."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[WaitCondition, asyncio.Future[WaitResult]]]] = defaultdict(list)

    def register(self, record: ContainerRecord, condition: WaitCondition) -> asyncio.Future[WaitResult]:
        """Return what becomes done when the condition holds; at once where it holds already."""
        future: asyncio.Future[WaitResult] = asyncio.get_running_loop().create_future()
        if condition is WaitCondition.NOT_RUNNING and not record.state.is_running:
            future.set_result(WaitResult(record.state.exit_code))
        else:
            self._waiting[record.id].append((condition, future))
            future.add_done_callback(lambda _: self._forget(record.id, future))
        return future

    def exited(self, container_id: str, result: WaitResult) -> None:
        """Tell those who wait for the exit."""
        self._tell(container_id, result, {WaitCondition.NOT_RUNNING, WaitCondition.NEXT_EXIT})

    def removed(self, container_id: str, result: WaitResult) -> None:
        """Tell all who still wait: there will be no other exit."""
        self._tell(container_id, result, set(WaitCondition))

    def _tell(self, container_id: str, result: WaitResult, conditions: set[WaitCondition]) -> None:
        for condition, future in tuple(self._waiting.get(container_id, ())):
            if condition in conditions and not future.done():
                future.set_result(result)

    def _forget(self, container_id: str, future: asyncio.Future[WaitResult]) -> None:
        kept = [entry for entry in self._waiting.get(container_id, ()) if entry[1] is not future]
        if kept:
            self._waiting[container_id] = kept
        else:
            self._waiting.pop(container_id, None)
