"""The command weft-dns: names for containers in a process of its own, which goes on when the daemon is away.

Imports stay few, since this process is to be small: no asyncio, no schema library, nothing of the engine.
"""

import fcntl
import os
import resource
import signal
import socket
import sys
import time
from contextlib import suppress

from weft import __version__
from weft.dns.control import Control
from weft.dns.forward import Forwarder
from weft.dns.loop import Loop
from weft.dns.protocol import SOCKET_NAME
from weft.dns.server import Server

_BACKLOG = 16
_ANOTHER_SERVES = 3  # exit status
_LOCK_ATTEMPTS, _LOCK_WAIT = 50, 0.02  # times, seconds
_USAGE = "Usage: weft-dns --exec-root DIRECTORY\n\nAnswers containers' DNS queries; started and fed by weftd."


def main() -> int:
    """Run until SIGTERM; returns 0, 2 on wrong usage, 3 where another weft-dns serves the same directory."""
    arguments = sys.argv[1:]
    if arguments in (["-h"], ["--help"]):
        print(_USAGE)
        return 0
    if arguments in (["-v"], ["--version"]):
        print(f"weft-dns version {__version__}")
        return 0
    if len(arguments) != 2 or arguments[0] != "--exec-root":
        print(_USAGE, file=sys.stderr)
        return 2
    return _serve(arguments[1])


def _serve(exec_root: str) -> int:
    path = os.path.join(exec_root, SOCKET_NAME)
    if not _lock(path + ".lock"):
        log("error", f"another weft-dns serves {path}")
        return _ANOTHER_SERVES
    _prepare()
    loop = Loop(_report)
    server = Server(loop, Forwarder(loop, Opener()))
    wake = _stop_on_signals(loop)
    listener = _listen(path)
    Control(loop, listener, server, lambda text: log("warning", text))
    log("info", f"serving names at {path}")
    loop.run()
    server.close_all()
    listener.close()
    os.unlink(path)
    for end in wake:
        end.close()
    log("info", "stopped")
    return 0


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


def _prepare() -> None:
    """Make room for many sockets, and show up under a name of our own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with open("/proc/self/comm", "w") as comm:
        comm.write("weft-dns")


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


class Opener:
    """Opens sockets in a sandbox's namespace, given by its path, or with "" in the one the process started in."""

    def __init__(self) -> None:
        self._home: object = None

    def __call__(self, namespace: str, family: int, kind: int) -> socket.socket:
        if not namespace:
            return socket.socket(family, kind)
        from weft.kernel.namespace import Home  # here, since its ctypes is paid for by those who use --dns

        if not isinstance(self._home, Home):
            self._home = Home()
        descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self._home.socket_in(descriptor, family, kind)
        finally:
            os.close(descriptor)


def log(level: str, text: str) -> None:
    """Write a line to stderr as the daemon does; a stderr that has gone away is no reason to stop."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z"
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    with suppress(OSError):
        print(f'time="{stamp}" level={level} msg="{quoted}" module=dns', file=sys.stderr, flush=True)


def _report(error: BaseException) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "unknown place"
    log("error", f"{type(error).__name__}: {error} ({place})")


if __name__ == "__main__":
    sys.exit(main())
