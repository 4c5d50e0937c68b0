"""Stop, kill, restart, pause: what acts on a running container."""

import asyncio
from contextlib import suppress

from weft.engine.containers import health, states
from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.defaults import DEFAULT_STOP_SIGNAL
from weft.engine.containers.lifecycle import Lifecycle
from weft.engine.containers.signals import signal_number
from weft.engine.contract.runtime import Runtime
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.settings import Settings
from weft.engine.waiting import WaitCondition, WaitResult
from weft.model.container import ContainerRecord, Status
from weft.model.errors import Conflict, NotFound, NotModified, SystemFailure, WeftError

_KILL = 9
_KILL_PATIENCE = 30.0  # seconds that a killed process has to go


class Control:
    """Acts on running containers through their signals."""

    def __init__(
        self, inventory: Inventory, runtime: Runtime, lifecycle: Lifecycle, events: EventBus, settings: Settings
    ) -> None:
        self._inventory = inventory
        self._runtime = runtime
        self._lifecycle = lifecycle
        self._events = events
        self._settings = settings

    async def stop(self, reference: str, *, grace: int | None, signal: str) -> None:
        """Signal, wait `grace` seconds (negative: for ever), kill; NotModified if it is not running."""
        record = self._inventory.find_container(reference)
        if record.state.status is Status.RESTARTING:
            await self._lifecycle.give_up_restart(record)
            return
        if not record.state.is_running:
            raise NotModified(f"container {record.id} is already stopped")
        number = self._stop_signal(record, signal)
        await self._bring_down(record, number, self._grace(record, grace))
        self._emit("stop", record)

    def _stop_signal(self, record: ContainerRecord, signal: str) -> int:
        return signal_number(signal or record.spec.process.stop_signal or DEFAULT_STOP_SIGNAL)

    def _grace(self, record: ContainerRecord, grace: int | None) -> int:
        if grace is not None:
            return grace
        own = record.spec.process.stop_timeout
        return self._settings.stop_timeout if own is None else own

    async def _bring_down(self, record: ContainerRecord, signal: int, grace: int) -> None:
        waiting = self._lifecycle.waiters.register(record, WaitCondition.NOT_RUNNING)
        await self._silence_restarts(record.id)
        await self._signal(record, signal)
        if await self._gone(waiting, None if grace < 0 else float(grace)):
            return
        await self._signal(record, _KILL)
        if not await self._gone(waiting, _KILL_PATIENCE):
            raise SystemFailure(f"container {record.id} did not end after SIGKILL: its process is stuck in the kernel")

    async def _gone(self, waiting: asyncio.Future[WaitResult], patience: float | None) -> bool:
        done, _ = await asyncio.wait({waiting}, timeout=patience)
        return bool(done)

    async def _silence_restarts(self, container_id: str) -> None:
        async with self._lifecycle.locks.hold(container_id):
            record = self._inventory.find_container(container_id)
            if record.state.is_running:
                self._inventory.save(states.stopped_by_user(record))

    async def _signal(self, record: ContainerRecord, signal: int) -> None:
        try:
            await self._runtime.kill(record.id, signal)
        except NotFound:
            return  # it has ended; its exit is on the way
        current = self._inventory.containers.get(record.id)
        if current is not None and current.state.status is Status.PAUSED:
            # a frozen process cannot act on the signal; one that is gone already needs no thaw
            with suppress(WeftError):
                await self._runtime.unpause(record.id)
        self._events.emit("container", "kill", record.id, event_attributes(record, signal=str(signal)))

    async def kill(self, reference: str, signal: str) -> None:
        """Send a signal, SIGKILL by default, which is waited for. Conflict if the container is not running."""
        record = self._inventory.find_container(reference)
        number = signal_number(signal or "SIGKILL")
        if record.state.status is Status.RESTARTING:
            await self._lifecycle.give_up_restart(record)
            return
        if not record.state.is_running:
            raise Conflict(f"cannot kill container: {reference}: container {record.id} is not running")
        if number == _KILL:
            await self._bring_down(record, _KILL, 0)
            return
        if number == self._stop_signal(record, ""):
            await self._silence_restarts(record.id)
        await self._signal(record, number)

    async def restart(self, reference: str, *, grace: int | None, signal: str) -> None:
        """Stop if it runs, then start; an --rm container is not removed in between."""
        record = self._inventory.find_container(reference)
        self._lifecycle.held.add(record.id)
        try:
            if record.state.status is Status.RESTARTING:
                await self._lifecycle.give_up_restart(record)
            elif record.state.is_running:
                await self._bring_down(record, self._stop_signal(record, signal), self._grace(record, grace))
                self._emit("stop", record)
            with suppress(NotModified):  # somebody else started it in between
                await self._lifecycle.start(record.id)
        finally:
            self._lifecycle.held.discard(record.id)
        self._emit("restart", record)

    async def pause(self, reference: str, *, committing: bool = False) -> None:
        """Freeze all processes; what a commit froze, the daemon's next start lets go on, should this one be killed."""
        record = self._inventory.find_container(reference)
        async with self._lifecycle.locks.hold(record.id):
            record = self._inventory.find_container(record.id)
            if record.state.status is Status.PAUSED:
                raise Conflict(f"Container {record.id} is already paused")
            if record.state.status is not Status.RUNNING:
                raise Conflict(f"Container {record.id} is not running")
            await self._runtime.pause(record.id)
            self._lifecycle.health.forget(record.id)
            self._inventory.save(health.unwatched(states.paused(record, committing=committing)))
        self._emit("pause", record)

    async def unpause(self, reference: str) -> None:
        """Thaw all processes."""
        record = self._inventory.find_container(reference)
        async with self._lifecycle.locks.hold(record.id):
            record = self._inventory.find_container(record.id)
            if record.state.status is not Status.PAUSED:
                raise Conflict(f"Container {record.id} is not paused")
            await self._runtime.unpause(record.id)
            record = states.unpaused(record)
            self._inventory.save(record)
            self._lifecycle.health.watch(record)
        self._emit("unpause", record)

    async def bring_down_for_removal(self, record: ContainerRecord) -> None:
        """Kill a container that is to be removed."""
        if record.state.status is Status.RESTARTING:
            await self._lifecycle.give_up_restart(record)
        elif record.state.is_running:
            await self._bring_down(record, _KILL, 0)

    def _emit(self, action: str, record: ContainerRecord) -> None:
        self._events.emit("container", action, record.id, event_attributes(record))
