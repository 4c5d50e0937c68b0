"""A container that has a process, as this daemon sees it."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from weft.engine.contract.runtime import Exit
from weft.model.errors import Conflict
from weft.model.ids import short_id
from weft.runtime.processes import ProcessWatch
from weft.runtime.run_record import RunRecord
from weft.runtime.stdio import AttachedStdio, connect

_TURN: Final = 0.0002  # seconds
_MOST_TURNS: Final = 1000


class Live:
    """The process, its supervisor and who is attached. It ends with the exit file, when all output is written."""

    def __init__(self, container_id: str, record: RunRecord, pid: int, directory: Path) -> None:
        """ProcessLookupError when the process has ended."""
        self.id: Final = container_id
        self.record: Final = record
        self.directory: Final = directory
        self.started = False
        self.exit: Exit | None = None
        self.process = ProcessWatch(pid, self._process_ended)
        self.supervisor: ProcessWatch | None = None
        self.ended: Final = asyncio.Event()
        self._attached: set[AttachedStdio] = set()
        self._when_ended: list[Callable[[], None]] = []

    @property
    def pid(self) -> int:
        """The host's pid of the first process."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the exit is not known yet."""
        return self.exit is None

    def when_ended(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when the exit is known; the function returned takes that back."""
        self._when_ended.append(callback)

        def forget() -> None:
            if callback in self._when_ended:
                self._when_ended.remove(callback)

        return forget

    async def attach(self) -> AttachedStdio:
        """Connect to the standard streams; Conflict when the process has just ended."""
        streams = self.record.streams
        try:
            link = await connect(self.directory)
        except OSError as error:
            raise Conflict(f"container {short_id(self.id)} is not running") from error
        if self._attached and not self.started:
            await self._all_taken(len(self._attached) + 1)
        stdio = AttachedStdio(
            link,
            takes_input=streams.takes_input,
            keep_input_open=not streams.keep_input_open,
            closed=self._attached.discard,
        )
        self._attached.add(stdio)
        if not self.process.alive:
            stdio.process_ended()
        return stdio

    def finish(self, exit_: Exit) -> None:
        """Note the exit and tell everybody; later calls change nothing."""
        if self.exit is None:
            self.exit = exit_
            self._process_ended()
            self.ended.set()
            callbacks, self._when_ended = self._when_ended, []
            for callback in callbacks:
                callback()

    def close(self) -> None:
        """Watch no longer; the process goes on."""
        self.process.close()
        if self.supervisor is not None:
            self.supervisor.reap()

    async def _all_taken(self, connections: int) -> None:
        """Wait until conmon has accepted that many connections.

        It takes one a turn, and turns to the output in between: those that it has not taken when the process starts
        miss its first words. Nothing announces it; its sockets show it.
        """
        for _ in range(_MOST_TURNS):
            if self.supervisor is None or _sockets(self.supervisor.pid) > connections:  # one listens
                return
            await asyncio.sleep(_TURN)

    def _process_ended(self) -> None:
        for stdio in tuple(self._attached):
            stdio.process_ended()


def _sockets(pid: int) -> int:
    count = 0
    with contextlib.suppress(FileNotFoundError):  # it has ended
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                count += os.readlink(entry.path).startswith("socket:")
    return count
