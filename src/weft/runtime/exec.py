"""Further processes in running containers."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from typing import Final

import msgspec

from weft.engine.contract.runtime import ExecSpec, Exit
from weft.model.container import ContainerRecord, Security
from weft.model.errors import Conflict, NotFound
from weft.model.ids import short_id
from weft.runtime import faults, terminal
from weft.runtime.conmon import Conmon, Gate, Program, Streams, reason_in
from weft.runtime.layout import Layout
from weft.runtime.live import Live
from weft.runtime.open_files import Limits
from weft.runtime.processes import ProcessWatch
from weft.runtime.run_record import exit_in
from weft.runtime.spec import capabilities, security, users
from weft.runtime.spec.process import exec_process
from weft.runtime.stdio import AttachedStdio, connect
from weft.runtime.sync_pipe import Report, SyncPipe

_LOST: Final = 137  # the exit code of an exec whose supervisor was killed

Ended = Callable[[Exit], Awaitable[None]]


@dataclass(slots=True)
class _Execution:
    supervisor: ProcessWatch
    directory: Path
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    process: ProcessWatch | None = None
    task: asyncio.Task[None] | None = None


class Execs:
    """Starts execs under supervisors of their own and tells how they ended."""

    def __init__(
        self,
        conmon: Conmon,
        layout: Layout,
        known_capabilities: tuple[str, ...],
        clock: Callable[[], int],
        open_files: Limits,
    ) -> None:
        self._conmon = conmon
        self._layout = layout
        self._known = known_capabilities
        self._clock = clock
        self._open_files = open_files
        self._running: dict[str, _Execution] = {}

    async def start(
        self, live: Live, program: Program, record: ContainerRecord, exec_id: str, spec: ExecSpec, ended: Ended
    ) -> tuple[int, AttachedStdio | None]:
        """Start a process; return its pid, and its streams unless it is detached. Raises as Docker words it."""
        process = self._process(live, record, spec)  # before anything is made: it refuses unknown users
        directory = self._layout.exec(live.id, exec_id)
        directory.mkdir(parents=True)
        try:
            (directory / "process.json").write_bytes(msgspec.json.encode(process))
            return await self._launch(live, program, exec_id, spec, directory, ended)
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise

    def resize(self, exec_id: str, rows: int, columns: int) -> None:
        """Set the window size of an exec's terminal; NotFound when it has ended or has none."""
        execution = self._running.get(exec_id)
        if execution is None or not execution.supervisor.alive:
            raise NotFound(f"No such exec instance: {exec_id}")
        terminal.resize(execution.supervisor.pid, execution.supervisor.descriptor, rows, columns)

    def kill(self, exec_id: str) -> None:
        """Kill an exec's process, and its process group; nothing to do when it has ended."""
        execution = self._running.get(exec_id)
        if execution is None or execution.process is None or not execution.process.alive:
            return
        process = execution.process
        with contextlib.suppress(ProcessLookupError):
            group = os.getpgid(process.pid)  # led by the OCI runtime's process, or by its own: what it started is in it
            if group != execution.supervisor.pid:
                os.killpg(group, SIGKILL)
            process.kill(SIGKILL)

    def exit_of(self, container_id: str, exec_id: str) -> Exit | None:
        """Return how an exec that a former daemon started has ended; None while it runs or when it is forgotten."""
        return exit_in(self._layout.exec(container_id, exec_id) / "exit" / container_id)

    async def close(self) -> None:
        """Watch no longer; the processes go on."""
        for execution in tuple(self._running.values()):
            if execution.task is not None:
                execution.task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await execution.task
            for watch in (execution.process, execution.supervisor):
                if watch is not None:
                    watch.close()

    async def _launch(
        self, live: Live, program: Program, exec_id: str, spec: ExecSpec, directory: Path, ended: Ended
    ) -> tuple[int, AttachedStdio | None]:
        attached = spec.attach_stdin or spec.attach_stdout or spec.attach_stderr
        streams = Streams(spec.tty, spec.attach_stdin, keep_input_open=spec.tty)
        stdio: AttachedStdio | None = None
        with contextlib.ExitStack() as stack:
            gate = Gate() if attached else None
            if gate is not None:
                stack.callback(gate.close)
            pid, pipe = await self._conmon.exec(
                live.id, exec_id, program, streams, directory=directory, gate=gate, longest=spec.longest
            )
            execution = _Execution(ProcessWatch(pid, lambda: None), directory)
            try:
                if gate is not None and await gate.listening():
                    stdio = await self._attach(execution, spec)
                    gate.open()
                report = await pipe.report()
            except BaseException:
                pipe.close()
                with contextlib.suppress(ProcessLookupError):
                    execution.supervisor.kill(SIGKILL)  # the OCI runtime dies with it
                raise
        if not isinstance(report, Report) or report.data < 0:
            pipe.close()
            if stdio is not None:
                stdio.close()
            if not live.process.alive:
                raise Conflict(f"container {short_id(live.id)} is not running")
            raise faults.exec_failed(reason_in(report, directory), spec.argv[0])
        execution.process = _watch(report.data, stdio)
        self._running[exec_id] = execution
        execution.task = asyncio.create_task(self._wait(live.id, exec_id, execution, pipe, ended))
        return report.data, stdio

    async def _attach(self, execution: _Execution, spec: ExecSpec) -> AttachedStdio:
        outputs = {1} if spec.attach_stdout else set[int]()
        if spec.attach_stderr:
            outputs.add(2)
        return AttachedStdio(
            await connect(execution.directory),
            takes_input=spec.attach_stdin,
            keep_input_open=False,
            closed=lambda _: None,
            outputs=frozenset(outputs),
            settled=execution.settled,
        )

    async def _wait(self, container_id: str, exec_id: str, execution: _Execution, pipe: SyncPipe, ended: Ended) -> None:
        try:
            report = await pipe.report()
            if isinstance(report, Report) and report.data >= 0:
                exit_ = Exit(report.data, self._clock())
            else:  # the supervisor was killed: its process is nobody's now
                exit_ = self.exit_of(container_id, exec_id) or Exit(_LOST, self._clock())
            await ended(exit_)
            execution.settled.set()
            await asyncio.to_thread(shutil.rmtree, execution.directory, ignore_errors=True)
        finally:
            execution.settled.set()
            pipe.close()
            self._running.pop(exec_id, None)

    def _process(self, live: Live, record: ContainerRecord, spec: ExecSpec) -> dict[str, object]:
        own = record.spec
        rights = Security(privileged=True) if spec.privileged else own.security
        try:
            root = os.open(f"/proc/{live.pid}/root", os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError):  # it has ended, and nobody was told so far
            raise Conflict(f"container {record.id} is not running") from None
        try:
            user = users.resolve(root, spec.user or own.process.user, own.security.group_add)
        finally:
            os.close(root)
        return exec_process(
            spec,
            container=own,
            hostname=live.record.hostname,
            user=user,
            capabilities=capabilities.granted(rights, self._known),
            no_new_privileges=security.parse(own.security.security_opt).no_new_privileges,
            open_files=self._open_files,
        )


def _watch(pid: int, stdio: AttachedStdio | None) -> ProcessWatch | None:
    def ended() -> None:
        if stdio is not None:
            stdio.process_ended()

    try:
        return ProcessWatch(pid, ended)
    except ProcessLookupError:
        ended()
        return None
