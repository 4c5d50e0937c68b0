"""The ports that the relay holds."""

import socket
from collections.abc import Sequence
from typing import Any

from weft.dns.loop import Loop
from weft.relay.datagrams import DatagramPort
from weft.relay.protocol import Key, Target, pack
from weft.relay.streams import StreamPort


class Ports:
    """Open ports by what names them."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._open: dict[Key, StreamPort | DatagramPort] = {}

    def held(self) -> list[list[Any]]:
        """Return all ports as JSON values."""
        return [pack(key, port.target) for key, port in self._open.items()]

    def open(self, key: Key, target: Target, sock: socket.socket) -> None:
        """Take a port over; of one that is held already only the target changes."""
        held = self._open.get(key)
        if held is not None:
            sock.close()
            held.target = target
            return
        kind = StreamPort if key.protocol == "tcp" else DatagramPort
        self._open[key] = kind(self._loop, sock, target)

    def aim(self, key: Key, target: Target) -> None:
        """Let a port lead elsewhere; KeyError where it is not held."""
        self._open[key].target = target

    def close(self, keys: Sequence[Key]) -> None:
        """Let ports go; those that are not held are no error."""
        for key in keys:
            port = self._open.pop(key, None)
            if port is not None:
                port.close()

    def close_all(self) -> None:
        """Let all ports go."""
        self.close(list(self._open))
