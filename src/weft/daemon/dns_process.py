"""The command weft-dns: names for containers in a process of its own, which goes on when the daemon is away.

Imports stay few, since this process is to be small: no asyncio, no schema library, nothing of the engine.
"""

import os
import socket
import sys
from collections.abc import Callable

from weft.daemon.side_process import SideProcess
from weft.dns.control import Verbs
from weft.dns.forward import Forwarder
from weft.dns.loop import Loop
from weft.dns.protocol import PROTOCOL, SOCKET_NAME
from weft.dns.server import Server
from weft.dns.session import ControlSocket

PROCESS = SideProcess("weft-dns", "dns", SOCKET_NAME, "Answers containers' DNS queries; started and fed by weftd.")


def main() -> int:
    """Run until SIGTERM; returns 0, 2 on wrong usage, 3 where another weft-dns serves the same directory."""
    return PROCESS.main(_serve)


def _serve(loop: Loop, listener: socket.socket) -> Callable[[], None]:
    server = Server(loop, Forwarder(loop, Opener()))
    ControlSocket(loop, listener, PROTOCOL, Verbs(server), PROCESS.warn)
    return server.close_all


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


if __name__ == "__main__":
    sys.exit(main())
