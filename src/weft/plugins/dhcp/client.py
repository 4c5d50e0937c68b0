"""One udhcpc: started in a sandbox, found again by a later daemon, ended by its pid."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from weft.model.errors import SystemFailure

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DISCOVERS = ("-t", "5", "-T", "3", "-A", "10")  # packets, seconds between them, seconds until it tries again
_PATIENCE = 3.0  # seconds that it has to tell the server goodbye


class Client:
    """A running client, held by descriptor so that its pid cannot come to mean another."""

    def __init__(self, pid: int, ended: Callable[[], None]) -> None:
        """ProcessLookupError when there is no such process."""
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)
        self._gone = asyncio.Event()
        self._ended = ended
        asyncio.get_running_loop().add_reader(self._descriptor, self._end)

    def close(self) -> None:
        """Let go of it; it goes on."""
        if not self._gone.is_set():
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._gone.set()

    async def end(self, *, politely: bool = True) -> None:
        """End it and wait; politely it gives its address back first."""
        self._ended = _nothing
        with suppress(ProcessLookupError):
            if politely:
                self._signal(signal.SIGTERM)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PATIENCE):
                        await self._gone.wait()
            self._signal(signal.SIGKILL)
            await self._gone.wait()

    def _signal(self, number: int) -> None:
        if self._gone.is_set():
            raise ProcessLookupError
        signal.pidfd_send_signal(self._descriptor, number)

    def _end(self) -> None:
        with suppress(ChildProcessError):  # a former daemon's child: init reaps it
            os.waitpid(self.pid, os.WNOHANG)
        self.close()
        self._ended()


def _nothing() -> None:
    """Stand for a callback that is not wanted any more."""


def start(
    busybox: str, script: Path, lease: Path, bell: Path, namespace: str, link: str, hostname: str, address: str
) -> int:
    """Start a client and return its pid, also written to the file that `pid_file` names; raises SystemFailure.

    `address` "" asks for any address. It leads a session of its own and outlives us.
    """
    command = [
        "nsenter", f"--net={namespace}", "--", busybox, "udhcpc", "-f", "-R", "-i", link,
        "-s", str(script), "-p", str(pid_file(lease)), *_DISCOVERS, "-O", "search",
    ]  # fmt: skip
    command += ["-x", f"hostname:{hostname}"] if hostname else []
    command += ["-r", address] if address else []
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        pid = os.posix_spawnp(
            command[0],
            command,
            {"PATH": _PATH, "WEFT_LEASE": str(lease), "WEFT_BELL": str(bell)},
            file_actions=[(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)],
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
        pid_file(lease).write_text(f"{pid}\n")  # the same as it writes itself: nsenter becomes it
    except OSError as error:
        raise SystemFailure(
            f"cannot start the DHCP client: {error.strerror}: {error.filename or command[0]}"
        ) from error
    finally:
        os.close(null)
    return pid


def pid_file(lease: Path) -> Path:
    """Return the file that holds the pid of the client of this lease."""
    return lease.with_name(lease.name + ".pid")


def find(lease: Path) -> int:
    """Return the pid of the client of this lease, 0 where it does not run: a pid may be another's by now."""
    file = pid_file(lease)
    try:
        pid = int(file.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return 0
    return pid if os.fsencode(file) in words else 0
