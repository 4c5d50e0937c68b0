"""Further processes in running containers."""

import asyncio
from dataclasses import dataclass, field, replace

from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.states import CODE_NOT_EXECUTABLE, CODE_NOT_FOUND, start_failure_code
from weft.engine.contract.environment import Environment
from weft.engine.contract.runtime import ExecSpec, Exit, Runtime, Stdio
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.results import ExecState
from weft.model.container import ContainerRecord, Status
from weft.model.errors import Conflict, InvalidParameter, NotFound

_KEPT = 300_000_000_000  # nanoseconds that an ended exec can still be inspected
_PATIENCE = 10  # seconds that a size waits for the start, as in Docker: clients send both at once


@dataclass(slots=True)
class _Exec:
    state: ExecState
    started: bool = False
    ended: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)  # it runs, or never will


class ExecService:
    """Creates, starts and remembers execs; they are gone with the daemon or their container."""

    def __init__(self, inventory: Inventory, runtime: Runtime, events: EventBus, environment: Environment) -> None:
        self._inventory = inventory
        self._runtime = runtime
        self._events = events
        self._environment = environment
        self._execs: dict[str, _Exec] = {}

    async def create(self, container: str, spec: ExecSpec) -> str:
        """Return the id of a new exec; Conflict if the container is not running."""
        record = self._inventory.find_container(container)
        _check_accepts(record)
        if not spec.argv:
            raise InvalidParameter("No exec command specified")
        self._forget_old()
        exec_id = self._environment.new_id()
        state = ExecState(id=exec_id, container_id=record.id, spec=spec, running=False, exit_code=None, pid=0)
        self._execs[exec_id] = _Exec(state)
        self._emit(record, f"exec_create: {' '.join(spec.argv)}", exec_id)
        return exec_id

    async def start(self, exec_id: str, *, detach: bool, tty: bool, console_size: tuple[int, int]) -> Stdio | None:
        """Start it; return its streams, None when detached. Conflict if it was started before."""
        entry = self._find(exec_id)
        record = self._inventory.find_container(entry.state.container_id)
        if entry.started:
            raise Conflict(f"exec command {exec_id} has already run")
        _check_accepts(record)
        entry.started = True
        spec = replace(entry.state.spec, tty=tty or entry.state.spec.tty)
        if console_size != (0, 0):
            spec = replace(spec, console_size=console_size)
        if detach:
            spec = replace(spec, attach_stdin=False, attach_stdout=False, attach_stderr=False)
        self._emit(record, f"exec_start: {' '.join(spec.argv)}", exec_id)
        entry.state = replace(entry.state, running=True)

        async def ended(exit: Exit) -> None:
            entry.state = replace(entry.state, running=False, exit_code=exit.code, pid=0)
            entry.ended = self._environment.now()
            self._emit(record, "exec_die", exec_id, exitCode=str(exit.code))

        try:
            pid, stdio = await self._runtime.exec_start(record, exec_id, spec, ended)
        except BaseException as error:
            entry.state = replace(entry.state, running=False, exit_code=_failure_code(error))
            entry.ended = self._environment.now()
            raise
        finally:
            entry.ready.set()
        if entry.state.running:
            entry.state = replace(entry.state, pid=pid)
        return stdio

    async def resize(self, exec_id: str, rows: int, columns: int) -> None:
        """Give the exec's terminal another size; Conflict if it does not start in time."""
        entry = self._find(exec_id)
        try:
            await asyncio.wait_for(entry.ready.wait(), _PATIENCE)
        except TimeoutError:
            raise Conflict(f"timeout waiting for exec {exec_id} to be ready: start it") from None
        await self._runtime.exec_resize(exec_id, rows, columns)

    def forget(self, exec_id: str) -> None:
        """Remember it no longer, ended or not; of probes there would be too many."""
        self._execs.pop(exec_id, None)

    def kill(self, exec_id: str) -> None:
        """Kill its processes, if they have not ended."""
        self._runtime.exec_kill(exec_id)

    def inspect(self, exec_id: str) -> ExecState:
        """Return its state; NotFound `No such exec instance: X`."""
        return self._find(exec_id).state

    def of_container(self, container_id: str) -> tuple[str, ...]:
        """Return the ids of the container's execs that are running."""
        return tuple(
            key
            for key, entry in self._execs.items()
            if entry.state.container_id == container_id and entry.state.running
        )

    def _find(self, exec_id: str) -> _Exec:
        if exec_id not in self._execs:
            raise NotFound(f"No such exec instance: {exec_id}")
        return self._execs[exec_id]

    def _forget_old(self) -> None:
        limit = self._environment.now() - _KEPT
        for key, entry in tuple(self._execs.items()):
            if (entry.ended and entry.ended < limit) or entry.state.container_id not in self._inventory.containers:
                del self._execs[key]

    def _emit(self, record: ContainerRecord, action: str, exec_id: str, **more: str) -> None:
        self._events.emit("container", action, record.id, event_attributes(record, execID=exec_id, **more))


def _failure_code(error: BaseException) -> int:
    """126 where nothing says more: what kept it from starting was not the program."""
    code = start_failure_code(str(error))
    return code if code in (CODE_NOT_FOUND, CODE_NOT_EXECUTABLE) else CODE_NOT_EXECUTABLE


def _check_accepts(record: ContainerRecord) -> None:
    if record.state.status is Status.PAUSED:
        raise Conflict(f"container {record.id} is paused, unpause the container before exec")
    if record.state.status is not Status.RUNNING:
        raise Conflict(f"container {record.id} is not running")
