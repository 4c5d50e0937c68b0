"""The supervisor of a container or an exec (conmon 2.1.6): its command line, and how it is started.

It is not double-forked (`--sync`): it stays the daemon's child until the daemon ends, so that its end is noticed, and
its session is its own. It is never told a log-size limit except for a single file, since its counter does not know of
files that the daemon renamed.
"""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from weft.runtime.spawner import Spawner
from weft.runtime.sync_pipe import Report, SyncPipe, Words

REOPEN_LOGS: Final = b"2 0 0\n"  # on the `ctl` fifo
NO_LOG: Final = "none"
_RUNTIME_LOG: Final = "runtime.log"


@dataclass(frozen=True, slots=True)
class Streams:
    """What a process's standard streams are. `keep_input_open`: the end of a connection does not close the input."""

    tty: bool
    takes_input: bool
    keep_input_open: bool

    def options(self) -> list[str]:
        """Return conmon's options."""
        chosen = ["--terminal"] if self.tty else []
        if self.takes_input:
            chosen.append("--stdin")
            if self.keep_input_open:
                chosen.append("--leave-stdin-open")
        return chosen


@dataclass(frozen=True, slots=True)
class Program:
    """An OCI runtime and where it keeps its state."""

    name: str
    path: str
    state: Path

    def arguments(self, *arguments: str) -> list[str]:
        """Return a command line of the runtime."""
        return [self.path, "--root", str(self.state), *arguments]


class Conmon:
    """Starts supervisors."""

    def __init__(self, path: str, spawner: Spawner, temporary: Path) -> None:
        self._path = path
        self._spawner = spawner
        # console sockets: their names must fit sun_path
        self._environment = {"TMPDIR": str(temporary) if len(str(temporary)) < 80 else "/tmp"}  # noqa: S108

    async def create(
        self, container_id: str, program: Program, streams: Streams, *, directory: Path, exits: Path, log: Sequence[str]
    ) -> tuple[int, Report | Words]:
        """Create the container of the bundle in `directory`; return the supervisor's pid and its first report."""
        argv = [
            *self._common(container_id, container_id, program, directory, streams),
            *("--bundle", str(directory), "--full-attach", "--exit-dir", str(exits)),
            *log,
        ]
        pipe = SyncPipe()
        try:
            pid = await self._start(argv, directory, pipe, {})
            return pid, await pipe.report()
        finally:
            pipe.close()

    async def exec(
        self,
        container_id: str,
        exec_id: str,
        program: Program,
        streams: Streams,
        *,
        directory: Path,
        gate: "Gate | None",
        longest: int = 0,
    ) -> tuple[int, SyncPipe]:
        """Start the exec of `process.json` in `directory`; return the supervisor's pid and the pipe of its reports.

        With a gate the exec waits until it is opened, so that somebody can attach first. After `longest` seconds, if
        that is not 0, the supervisor kills it.
        """
        exits = directory / "exit"
        exits.mkdir()
        argv = [
            *self._common(container_id, exec_id, program, directory, streams),
            *("--exec", "--exec-process-spec", str(directory / "process.json"), "--exit-dir", str(exits)),
            *("--log-path", NO_LOG),
            *(("--timeout", str(longest)) if longest else ()),
        ]
        environment: Mapping[str, str] = {}
        keep: tuple[int, ...] = ()
        if gate is not None:
            argv += ["--exec-attach", "--bundle", str(directory), "--full-attach"]
            environment = gate.environment
            keep = gate.inherited
        pipe = SyncPipe()
        try:
            return await self._start(argv, directory, pipe, environment, keep), pipe
        except BaseException:
            pipe.close()
            raise

    def _common(self, container_id: str, own_id: str, program: Program, directory: Path, streams: Streams) -> list[str]:
        # with a terminal conmon dies of a runtime's failure before it has read what the runtime said
        log = ("--runtime-arg", "--log", "--runtime-arg", str(directory / _RUNTIME_LOG)) if streams.tty else ()
        return [
            *(self._path, "--api-version", "--sync", "--cid", container_id, "--cuuid", own_id),
            *("--runtime", program.path, "--runtime-arg", "--root", "--runtime-arg", str(program.state)),
            *log,
            *streams.options(),
            *("--container-pidfile", str(directory / "pid"), "--no-sync-log", "--log-level", "error"),
        ]

    async def _start(
        self,
        argv: Sequence[str],
        directory: Path,
        pipe: SyncPipe,
        environment: Mapping[str, str],
        keep: tuple[int, ...] = (),
    ) -> int:
        try:
            return await self._spawner.spawn(
                argv,
                directory=directory,
                keep=(pipe.writer, *keep),
                error=pipe.writer,
                environment={**self._environment, "_OCI_SYNCPIPE": str(pipe.writer), **environment},
            )
        finally:
            pipe.started()


class Gate:
    """Two pipes that make conmon wait for somebody to attach to an exec before it starts it."""

    def __init__(self) -> None:
        self._ready = SyncPipe()
        self._start_reader, self._start_writer = os.pipe2(os.O_CLOEXEC)

    @property
    def environment(self) -> Mapping[str, str]:
        """How conmon finds the pipes."""
        return {"_OCI_ATTACHPIPE": str(self._ready.writer), "_OCI_STARTPIPE": str(self._start_reader)}

    @property
    def inherited(self) -> tuple[int, ...]:
        """The descriptors that it gets."""
        return self._ready.writer, self._start_reader

    async def listening(self) -> bool:
        """Let conmon set up its attach socket; whether it has."""
        self._ready.started()
        os.write(self._start_writer, b"1")
        return isinstance(await self._ready.report(), Report)

    def open(self) -> None:
        """Let it start the exec."""
        os.write(self._start_writer, b"2")

    def close(self) -> None:
        """Close what is left."""
        self._ready.close()
        os.close(self._start_reader)
        os.close(self._start_writer)


def reason_in(report: Report | Words, directory: Path) -> str:
    """Return why a start failed: conmon's message, or what the OCI runtime noted in the bundle directory."""
    text = report.message if isinstance(report, Report) else report.text
    if not text:
        with contextlib.suppress(FileNotFoundError):
            return (directory / _RUNTIME_LOG).read_text(errors="replace")
    return text
