"""Runs health checks: one task for each running container that has one, and no thread."""

import asyncio
import logging

from weft.engine.containers import health
from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.execs import ExecService
from weft.engine.contract.environment import Environment
from weft.engine.contract.runtime import ExecSpec, Stdio
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.model.container import ContainerRecord, Status
from weft.model.errors import WeftError
from weft.model.health import HealthCheck, ProbeResult

_log = logging.getLogger(__name__)
_STARTS_WITHIN = 30.0  # seconds that a probe may take to start, which its own timeout does not count
_LETS_GO = 5.0  # seconds that the daemon's end waits for probes to be gone
_SECOND = 1_000_000_000
_FAILED = -1


class HealthMonitor:
    """Probes containers while they run. What it learns is in their records: a later daemon goes on from there."""

    def __init__(
        self, inventory: Inventory, execs: ExecService, events: EventBus, environment: Environment, locks: Locks
    ) -> None:
        self._inventory = inventory
        self._execs = execs
        self._events = events
        self._environment = environment
        self._locks = locks
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def watch(self, record: ContainerRecord) -> None:
        """Begin to probe a container, if it runs and has a check."""
        check = health.active_check(record)
        if check is None or record.state.status is not Status.RUNNING:
            return
        self.forget(record.id)
        task = asyncio.create_task(self._run(record.id, check, record.state.started))
        self._tasks[record.id] = task
        task.add_done_callback(lambda ended: self._done(record.id, ended))

    def watch_all(self) -> None:
        """Begin to probe all containers that run: those that a former daemon probed."""
        for record in self._inventory.containers.values():
            self.watch(record)

    def forget(self, container_id: str) -> None:
        """Probe no longer; a probe that runs is killed."""
        task = self._tasks.pop(container_id, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Probe nothing any more; the containers go on."""
        tasks = tuple(self._tasks.values())
        for container_id in tuple(self._tasks):
            self.forget(container_id)
        if tasks:
            await asyncio.wait(tasks, timeout=_LETS_GO)

    def _done(self, container_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(container_id) is task:
            del self._tasks[container_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the health check of container %s ended", container_id, exc_info=error)

    async def _run(self, container_id: str, check: HealthCheck, started: int) -> None:
        while (record := self._watched(container_id, started)) is not None:
            now = self._environment.now()
            await self._environment.sleep(max(0, health.due(record) - now) / _SECOND)
            result = await self._probe(record, check)
            await self._note(container_id, started, result)

    def _watched(self, container_id: str, started: int) -> ContainerRecord | None:
        """Return the record while it is the run that this task began with."""
        record = self._inventory.containers.get(container_id)
        if record is None or record.state.status is not Status.RUNNING or record.state.started != started:
            return None
        return record

    async def _note(self, container_id: str, started: int, result: ProbeResult) -> None:
        async with self._locks.hold(container_id):
            record = self._watched(container_id, started)
            if record is None:
                return
            former = record.state.health
            record = health.judged(record, result)
            self._inventory.save(record)
            now = record.state.health
        if now is not None and (former is None or former.status is not now.status):
            self._events.emit("container", f"health_status: {now.status.value}", record.id, event_attributes(record))

    async def _probe(self, record: ContainerRecord, check: HealthCheck) -> ProbeResult:
        start, exec_id = self._environment.now(), ""
        limit = health.timeout(check)
        spec = ExecSpec(
            argv=health.command(check, record.spec.process.shell),
            attach_stdout=True,
            attach_stderr=True,
            longest=-(-limit // _SECOND) + 1,  # should this daemon not live to end it
        )
        try:
            exec_id = await self._execs.create(record.id, spec)
            async with asyncio.timeout(_STARTS_WITHIN):
                stdio = await self._execs.start(exec_id, detach=False, tty=False, console_size=(0, 0))
            output = health.Output()
            code = await self._outcome(exec_id, stdio, output, limit) if stdio is not None else _FAILED
        except WeftError as error:
            return ProbeResult(start=start, end=self._environment.now(), exit_code=_FAILED, output=error.message)
        except TimeoutError:
            words = f"timed out starting health check for container {record.id}"
            return ProbeResult(start=start, end=self._environment.now(), exit_code=_FAILED, output=words)
        finally:
            self._execs.forget(exec_id)
        words = output.text
        if code is None:
            code = _FAILED
            after = f": {words}" if words else ""
            words = f"Health check exceeded timeout ({health.duration_text(limit)}){after}"
        return ProbeResult(start=start, end=self._environment.now(), exit_code=code, output=words)

    async def _outcome(self, exec_id: str, stdio: Stdio, output: health.Output, limit: int) -> int | None:
        """Return the exit code, or None for a probe that had to be killed."""
        try:
            async with asyncio.timeout(limit / _SECOND):
                await _read(stdio, output)
        except TimeoutError:
            self._execs.kill(exec_id)
            await _read(stdio, output)  # until it is gone: dying probes must not pile up
            return None
        except asyncio.CancelledError:
            self._execs.kill(exec_id)
            raise
        finally:
            stdio.close()
        code = self._execs.inspect(exec_id).exit_code
        return _FAILED if code is None else code


async def _read(stdio: Stdio, output: health.Output) -> None:
    async for _, data in stdio.output():
        output.add(data)
