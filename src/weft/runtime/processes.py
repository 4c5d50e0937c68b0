"""Other processes: waiting for their end without polling (pidfd_open(2)), and running short helpers."""

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from weft.runtime.spawner import Spawner

_MOST_OUTPUT: Final = 16 * 1024 * 1024


class ProcessWatch:
    """Holds a process by descriptor, so that its pid cannot come to mean another; calls back when it has ended."""

    def __init__(self, pid: int, ended: Callable[[], None]) -> None:
        """ProcessLookupError when there is no such process."""
        self.pid: Final = pid
        self.descriptor: Final = os.pidfd_open(pid)
        self._ended = ended
        self._open = True
        asyncio.get_running_loop().add_reader(self.descriptor, self._end)

    @property
    def alive(self) -> bool:
        """Whether the end has not been seen yet."""
        return self._open

    @property
    def ended(self) -> bool:
        """Whether it has ended, whether that has been seen or not: the kernel is asked."""
        if not self._open:
            return True
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def kill(self, number: int) -> None:
        """Signal exactly this process; ProcessLookupError when it has ended."""
        if not self._open:
            raise ProcessLookupError
        signal.pidfd_send_signal(self.descriptor, number)

    def reap(self) -> None:
        """Tell nobody any more, but take the process's status when it ends: an unwaited child stays a zombie."""
        self._ended = _nothing

    def close(self) -> None:
        """Stop watching."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self.descriptor)
            os.close(self.descriptor)

    def _end(self) -> None:
        with contextlib.suppress(ChildProcessError):  # a former daemon's child: init reaps it
            os.waitpid(self.pid, os.WNOHANG)
        self.close()
        self._ended()


def _nothing() -> None:
    """Stand for a callback that is not wanted any more."""


async def ended(pid: int) -> None:
    """Return when a process has ended; at once when there is none."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    try:
        watch = ProcessWatch(pid, lambda: done.set_result(None) if not done.done() else None)
    except ProcessLookupError:
        return
    try:
        await done
    finally:
        watch.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a helper program left: its exit status (-signal when killed) and both outputs together."""

    status: int
    output: bytes


async def run(spawner: Spawner, argv: Sequence[str], directory: Path) -> Outcome:
    """Run a program to its end in the spawner's namespace."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        pid = await spawner.spawn(argv, directory=directory, output=writer, error=writer)
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    return await asyncio.to_thread(_collect, reader, pid)


def _collect(reader: int, pid: int) -> Outcome:
    with open(reader, "rb") as file:
        output = file.read(_MOST_OUTPUT)
    return Outcome(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output)
