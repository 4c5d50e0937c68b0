"""Start, and what follows when a process ends: state, events, restart policy, automatic removal."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from weft.engine.containers import states
from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.health_monitor import HealthMonitor
from weft.engine.containers.namespaces import check_joinable, shared_memory_of
from weft.engine.containers.pending_stdio import Attachers
from weft.engine.containers.restart import next_delay, restarts_after_exit
from weft.engine.containers.waiters import Waiters
from weft.engine.contract.environment import Environment
from weft.engine.contract.runtime import Exit, Runtime
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.engine.sandbox.service import SandboxService
from weft.engine.volume_mounts import VolumeMounts
from weft.engine.waiting import WaitResult
from weft.model.container import ContainerRecord, Status
from weft.model.errors import WeftError


class Lifecycle:
    """Runs containers. Every change of one container's state happens under its lock."""

    def __init__(
        self,
        inventory: Inventory,
        runtime: Runtime,
        sandboxes: SandboxService,
        events: EventBus,
        environment: Environment,
        locks: Locks,
        health: HealthMonitor,
        volumes: VolumeMounts,
    ) -> None:
        self._inventory = inventory
        self._runtime = runtime
        self._sandboxes = sandboxes
        self._events = events
        self._environment = environment
        self.locks = locks
        self.health = health
        self.volumes = volumes
        self.waiters = Waiters()
        self.attachers = Attachers()
        self.held: set[str] = set()  # containers being restarted or removed: no automatic restart or removal
        self.remove_ended: Callable[[str], Awaitable[None]] | None = None
        self._delays: dict[str, float] = {}
        self._restarts: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        runtime.on_exit(self._on_exit)

    async def start(self, container_id: str) -> None:
        """Start a container; NotModified if it runs."""
        self.cancel_restart(container_id)
        async with self.locks.hold(container_id):
            record = self._inventory.find_container(container_id)
            states.check_startable(record)
            await self._launch(record)

    async def _launch(self, record: ContainerRecord) -> None:
        try:
            check_joinable(self._inventory, record)
            await self.volumes.hold(record)
            record = await self._sandboxes.raise_up(record)
            pid = await self._run(record)
            await self._sandboxes.raised(record)
        except BaseException as error:
            await self._abandon(record, error)
            raise
        record = states.running(record, pid, self._environment.now())
        self._inventory.save(record)
        self._events.emit("container", "start", record.id, event_attributes(record))
        self.health.watch(record)

    async def _run(self, record: ContainerRecord) -> int:
        bundle = replace(self._sandboxes.bundle(record), shm_of=shared_memory_of(self._inventory, record))
        pid = await self._runtime.create(bundle)
        for stdio in self.attachers.take(record.id):
            stdio.connect(await self._runtime.attach(record.id))
        await self._runtime.start(record.id)
        return pid

    async def _abandon(self, record: ContainerRecord, error: BaseException) -> None:
        """Undo a start that failed and keep its reason. Who waits for an exit goes on waiting, as with Docker."""
        message = error.message if isinstance(error, WeftError) else str(error) or type(error).__name__
        await self._runtime.release(record.id)
        await self.volumes.let_go(record)
        record = await self._sandboxes.lower(self._inventory.containers.get(record.id, record))
        record = states.not_started(record, message)
        self._inventory.save(record)
        for stdio in self.attachers.take(record.id):
            stdio.connect(None)
        if record.spec.auto_remove:
            self._spawn(self._remove_ended(record.id))

    def _on_exit(self, container_id: str, exit: Exit) -> None:
        if not self._closing:
            self._spawn(self.finish(container_id, exit))

    async def finish(self, container_id: str, exit: Exit, *, due: bool | None = None) -> None:
        """Settle a container whose process has ended; `due`: whether its caller starts it again, where it decides."""
        async with self.locks.hold(container_id):
            record = self._inventory.containers.get(container_id)
            if record is None or not record.state.is_running:
                return
            self.health.forget(container_id)
            started = record.state.started
            record = states.exited(record, exit)
            again = self._runs_again(record) if due is None else due
            if again:
                record = states.with_status(record, Status.RESTARTING)
            self._inventory.save(record)  # before the runtime's own account of the exit goes
            record = await self._settle(record)
            if again and due is None:
                record = self._schedule(record, started) if self._runs_again(record) else states.given_up(record)
            self._inventory.save(record)
            seconds = max(0, exit.finished - started) // 1_000_000_000
            died = event_attributes(record, exitCode=str(exit.code), execDuration=str(seconds))
            if exit.oom_killed:
                self._events.emit("container", "oom", record.id, event_attributes(record))
            self._events.emit("container", "die", record.id, died)
        self.waiters.exited(container_id, WaitResult(exit.code))
        if record.spec.auto_remove and not again and container_id not in self.held:
            await self._remove_ended(container_id)

    def _runs_again(self, record: ContainerRecord) -> bool:
        return record.id not in self.held and restarts_after_exit(record.spec.restart, record.state)

    def _schedule(self, record: ContainerRecord, started: int) -> ContainerRecord:
        delay = next_delay(self._delays.get(record.id, 0), started, record.state.finished)
        self._delays[record.id] = delay
        self._restarts[record.id] = self._spawn(self._restart_later(record.id, delay))
        return states.restarting(record)

    async def _settle(self, record: ContainerRecord) -> ContainerRecord:
        _, record = await asyncio.gather(self._runtime.release(record.id), self._sandboxes.lower(record))
        await self.volumes.let_go(record)
        return record

    async def _remove_ended(self, container_id: str) -> None:
        if self.remove_ended is not None and container_id in self._inventory.containers:
            await self.remove_ended(container_id)

    async def _restart_later(self, container_id: str, delay: float) -> None:
        await self._environment.sleep(delay)
        self._restarts.pop(container_id, None)
        async with self.locks.hold(container_id):
            record = self._inventory.containers.get(container_id)
            if record is None or record.state.status is not Status.RESTARTING:
                return
            try:
                await self._launch(record)
            except WeftError as error:
                code = self._inventory.find_container(container_id).state.exit_code
                self.waiters.exited(container_id, WaitResult(code, error.message))
                self._events.emit("container", "die", container_id, event_attributes(record, error=error.message))

    def cancel_restart(self, container_id: str) -> None:
        """Forget a restart that was to come, and how long the next would wait."""
        self._delays.pop(container_id, None)
        task = self._restarts.pop(container_id, None)
        if task is not None:
            task.cancel()

    async def give_up_restart(self, record: ContainerRecord) -> None:
        """Make a container that waits for its next try an ended one."""
        self.cancel_restart(record.id)
        async with self.locks.hold(record.id):
            current = self._inventory.find_container(record.id)
            if current.state.status is Status.RESTARTING:
                self._inventory.save(states.stopped_by_user(states.given_up(current)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a container's follow-up failed", "exception": error, "task": task}
            )

    async def close(self) -> None:
        """Stop following containers; they go on."""
        self._closing = True
        await self.health.close()
        for task in (*self._restarts.values(), *self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
