"""The ports that the relay holds."""

import socket
from collections.abc import Mapping, Sequence

from weft.dns.loop import Loop
from weft.relay.datagrams import DatagramPort
from weft.relay.protocol import TCP, Key, Target
from weft.relay.streams import Streams


class Ports:
    """Ports by what names them: UDP ones have a socket each, TCP ones share one."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._streams = Streams(loop)
        self._tcp: set[Key] = set()
        self._udp: dict[Key, DatagramPort] = {}

    @property
    def stream_port(self) -> int:
        """The port that TCP connections are redirected to, 0 for none yet."""
        return self._streams.port

    def held(self) -> dict[Key, Target]:
        """Return where all ports lead."""
        targets = {key: self._streams.target(key.host_address, key.host_port) for key in self._tcp}
        found = {key: target for key, target in targets.items() if target is not None}
        return found | {key: port.target for key, port in self._udp.items()}

    def listen(self, sock: socket.socket) -> None:
        """Take over the socket to which TCP connections are redirected."""
        self._streams.listen(sock)

    def open(self, key: Key, target: Target, sock: socket.socket) -> None:
        """Take over the socket of a UDP port; of one that is held already only the target changes."""
        held = self._udp.get(key)
        if held is not None:
            sock.close()
            held.target = target
            return
        self._udp[key] = DatagramPort(self._loop, sock, target)

    def aim(self, ports: Mapping[Key, Target]) -> None:
        """Let ports lead elsewhere, TCP ones also for the first time; LookupError for a UDP one that is not held."""
        for key, target in ports.items():
            if key.protocol == TCP:
                self._streams.aim(key.host_address, key.host_port, target)
                self._tcp.add(key)
                continue
            port = self._udp.get(key)
            if port is None:
                raise LookupError(f"no such port: {key.host_address} {key.host_port}/{key.protocol}")
            port.target = target

    def close(self, keys: Sequence[Key]) -> None:
        """Let ports go; those that are not held are no error."""
        for key in keys:
            if key in self._tcp:
                self._tcp.discard(key)
                self._streams.forget(key.host_address, key.host_port)
            port = self._udp.pop(key, None)
            if port is not None:
                port.close()

    def close_all(self) -> None:
        """Let all ports go."""
        self.close([*self._tcp, *self._udp])
        self._streams.close()
