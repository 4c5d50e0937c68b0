"""A process beside the daemon: taken over or started, and fed anew when it had to be started again."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from weft.daemon.names_link import Link, LinkLost
from weft.model.errors import SystemFailure, Unavailable

LOG = logging.getLogger(__name__)
_START_TIMEOUT = 10.0  # seconds until a started process must answer
_POLL = 0.005  # seconds between attempts to reach it
_END_TIMEOUT = 5.0  # seconds a replaced process has to go
_SLOWEST_RETRY = 5.0  # seconds
_WAIT_FOR_PROCESS = 10.0  # seconds a request waits while the process is started again

Handover = Callable[[], Awaitable[None]]
_handing_over: ContextVar[bool] = ContextVar("handing over", default=False)


def command_line(file: str, exec_root: str) -> list[str]:
    """Return the command line of a process: its file and not its module, so that ps shows what it is."""
    return [sys.executable, "-s", "-P", file, "--exec-root", exec_root]


class KeptProcess:
    """The daemon's side of the process `name`, which is run by the program `file` and speaks `protocol`.

    `handover` is awaited after the process had to be started again: it hands over everything anew, through this
    object. Other requests wait for it. `log_path` takes the process's log; "" shares our stderr.
    """

    def __init__(
        self, name: str, file: str, protocol: int, socket_name: str, exec_root: str, handover: Handover, log_path: str
    ) -> None:
        self._name = name
        self._file = file
        self._protocol = protocol
        self._exec_root = exec_root
        self._path = os.path.join(exec_root, socket_name)
        self._handover = handover
        self._log_path = log_path
        self._link: Link | None = None
        self._child = 0  # process id, where we started it
        self._ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> bool:
        """Take over the process or start it; returns whether it ran already. Raises Unavailable.

        Either way `handover` is not called now: ask `sandboxes`, then hand over what is missing.
        """
        self._link, adopted = await self._establish()
        self._ready.set()
        self._keeper = asyncio.create_task(self._keep())
        return adopted

    async def adopt(self) -> bool:
        """Take over the process if it runs; returns whether it does."""
        self._link = await self._reach()
        if self._link is None:
            return False
        self._ready.set()
        self._keeper = asyncio.create_task(self._keep())
        return True

    async def stop(self) -> None:
        """Let go of the process: it goes on answering."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        self._ready.clear()
        if self._link is not None:
            await self._link.close()
            self._link = None

    async def end(self) -> None:
        """End the process itself, whoever started it: what it does for containers ends too."""
        await self.stop()
        link = await self._reach()
        if link is not None:
            pid = link.peer()
            await link.close()
            await self._terminate(pid)
        self._reap()

    async def call(self, verb: str, *arguments: Any, descriptors: Sequence[int] = ()) -> Any:
        """Ask; once more where the process died meanwhile: requests without descriptors may be said twice."""
        for last in (bool(descriptors), True):
            link = await self._present()
            try:
                return await link.call(verb, *arguments, descriptors=descriptors)
            except LinkLost:
                if self._link is link:
                    self._ready.clear()
                if last:
                    break
        raise Unavailable(f"{self._name} at {self._path} died during {verb!r}: it is started again, try again")

    async def _present(self) -> Link:
        """Return the link, waiting while the process is started again and handed everything."""
        if not _handing_over.get() and not self._ready.is_set() and self._keeper is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_FOR_PROCESS):
                    await self._ready.wait()
        if self._link is None:
            raise Unavailable(f"{self._name} is not running at {self._path}: look at its log")
        return self._link

    async def _keep(self) -> None:
        """Start the process again whenever it is gone."""
        while self._link is not None:
            await self._link.closed.wait()
            self._ready.clear()
            LOG.warning("%s has gone: starting it again", self._name)
            await self._revive()
            self._ready.set()

    async def _revive(self) -> None:
        delay = 0.05
        while True:
            try:
                self._link, _ = await self._establish()
                _handing_over.set(True)
                await self._handover()
                return
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the reason, containers wait for it
                LOG.error("%s could not be brought back: %s", self._name, error)
            if self._link is not None:
                await self._link.close()
            await asyncio.sleep(delay)
            delay = min(delay * 2, _SLOWEST_RETRY)

    async def _establish(self) -> tuple[Link, bool]:
        """Return a link to a process of our protocol, and whether it ran already."""
        link = await self._reach()
        if link is not None:
            return link, True
        self._reap()
        self._child = self._spawn()
        return await self._first_reach(), False

    async def _first_reach(self) -> Link:
        """Return a link to the process just started; raises Unavailable."""
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_POLL)
            link = await self._reach()
            if link is not None:
                return link
            if self._reap():
                raise Unavailable(f"{self._name} ended at once for {self._exec_root}: look at its log")
        raise Unavailable(f"{self._name} did not come up for {self._exec_root} within {_START_TIMEOUT:.0f} s")

    async def _reach(self) -> Link | None:
        """Return a link to the running process; a stranger to our protocol is ended. None: there is none."""
        try:
            link = await Link.connect(self._path, self._name)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        pid = link.peer()
        try:
            hello = await link.call("hello")
            if isinstance(hello, dict) and hello.get("protocol") == self._protocol:
                return link
        except (LinkLost, SystemFailure, Unavailable):
            pass  # one that cannot even say hello
        LOG.warning("%s (process %d) speaks another protocol: replacing it", self._name, pid)
        await link.close()
        await self._terminate(pid)
        return None

    def _spawn(self) -> int:
        """Start the process in a session of its own: what ends us does not end it. Returns its id."""
        line = command_line(self._file, self._exec_root)
        actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        if self._log_path:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            actions.append((os.POSIX_SPAWN_OPEN, 2, self._log_path, flags, 0o600))
        actions.append((os.POSIX_SPAWN_DUP2, 2, 1))
        Path(self._exec_root).mkdir(mode=0o711, parents=True, exist_ok=True)
        try:
            return os.posix_spawn(line[0], line, os.environ, file_actions=actions, setsid=True)
        except OSError as error:
            raise Unavailable(f"{self._name} could not be started: {error}") from error

    def _reap(self) -> bool:
        """Whether the process that we started has ended."""
        if not self._child:
            return False
        try:
            if os.waitpid(self._child, os.WNOHANG) == (0, 0):
                return False
        except ChildProcessError:
            pass  # somebody else waited for it
        self._child = 0
        return True

    async def _terminate(self, pid: int) -> None:
        """End a process and wait until it has gone."""
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        loop.add_reader(descriptor, gone.set)
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, number)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_END_TIMEOUT):
                        await gone.wait()
                        break
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        self._reap()
