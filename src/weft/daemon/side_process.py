"""What the processes beside the daemon have in common: one a directory, a control socket, a log, an end by signal.

Imports stay few, since these processes are to be small.
"""

import fcntl
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from weft import __version__
from weft.dns.loop import Loop

_BACKLOG = 16
_ANOTHER_SERVES = 3  # exit status
_LOCK_ATTEMPTS, _LOCK_WAIT = 50, 0.02  # times, seconds

Serve = Callable[[Loop, socket.socket], Callable[[], None]]  # sets up; returns what closes everything


class SideProcess:
    """A process called `name`, which writes `module` beside its log lines and serves the socket `socket_name`."""

    def __init__(self, name: str, module: str, socket_name: str, purpose: str) -> None:
        self._name = name
        self._module = module
        self._socket_name = socket_name
        self._usage = f"Usage: {name} --exec-root DIRECTORY\n\n{purpose}"

    def main(self, serve: Serve) -> int:
        """Run until SIGTERM; returns 0, 2 on wrong usage, 3 where another process serves the same directory."""
        arguments = sys.argv[1:]
        if arguments in (["-h"], ["--help"]):
            print(self._usage)
            return 0
        if arguments in (["-v"], ["--version"]):
            print(f"{self._name} version {__version__}")
            return 0
        if len(arguments) != 2 or arguments[0] != "--exec-root":
            print(self._usage, file=sys.stderr)
            return 2
        return self._serve(arguments[1], serve)

    def _serve(self, exec_root: str, serve: Serve) -> int:
        path = os.path.join(exec_root, self._socket_name)
        if not _lock(path + ".lock"):
            self.log("error", f"another {self._name} serves {path}")
            return _ANOTHER_SERVES
        self._prepare()
        loop = Loop(self._report)
        wake = _stop_on_signals(loop)
        listener = _listen(path)
        close_all = serve(loop, listener)
        self.log("info", f"serving at {path}")
        loop.run()
        close_all()
        listener.close()
        os.unlink(path)
        for end in wake:
            end.close()
        self.log("info", "stopped")
        return 0

    def _prepare(self) -> None:
        """Make room for many sockets, and show up under a name of our own."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with open("/proc/self/comm", "w") as comm:
            comm.write(self._name)

    def log(self, level: str, text: str) -> None:
        """Write a line to stderr as the daemon does; a stderr that has gone away is no reason to stop."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z"
        quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        with suppress(OSError):
            print(f'time="{stamp}" level={level} msg="{quoted}" module={self._module}', file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Write a warning."""
        self.log("warning", text)

    def _report(self, error: BaseException) -> None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "unknown place"
        self.log("error", f"{type(error).__name__}: {error} ({place})")


def _lock(path: str) -> bool:
    """Whether the lock is ours, for as long as we live; a predecessor that is just ending is waited for."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_WAIT)
        else:
            return True
    os.close(descriptor)
    return False


def _stop_on_signals(loop: Loop) -> tuple[socket.socket, socket.socket]:
    """Let SIGTERM and SIGINT end the loop; ignore what a terminal or a peer that has gone may send."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: loop.stop())
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)

    def drain(_: int) -> None:
        reader.recv(64)

    loop.watch(reader.fileno(), drain)
    return reader, writer


def _listen(path: str) -> socket.socket:
    """Return the control socket; we hold the lock, so what lies at the path is stale."""
    if os.path.lexists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(mask)
    listener.listen(_BACKLOG)
    return listener
