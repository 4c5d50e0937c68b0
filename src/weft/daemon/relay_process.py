"""The command weft-relay: carries published IPv6 ports to containers without IPv6, also when the daemon is away.

Imports stay few, since this process is to be small: no asyncio, no schema library, nothing of the engine.
"""

import socket
import sys
from collections.abc import Callable

from weft.daemon.side_process import SideProcess
from weft.dns.loop import Loop
from weft.dns.session import ControlSocket
from weft.relay.control import Verbs
from weft.relay.ports import Ports
from weft.relay.protocol import PROTOCOL, SOCKET_NAME

PROCESS = SideProcess(
    "weft-relay",
    "relay",
    SOCKET_NAME,
    "Carries published IPv6 ports to containers that have only IPv4; started and fed by weftd.",
)


def main() -> int:
    """Run until SIGTERM; returns 0, 2 on wrong usage, 3 where another weft-relay serves the same directory."""
    return PROCESS.main(_serve)


def _serve(loop: Loop, listener: socket.socket) -> Callable[[], None]:
    ports = Ports(loop)
    ControlSocket(loop, listener, PROTOCOL, Verbs(ports), PROCESS.warn)
    return ports.close_all


if __name__ == "__main__":
    sys.exit(main())
