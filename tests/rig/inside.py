"""Inside a running container's network namespace, without a program of the image's."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

from dnslib import DNSRecord

from rig.engine import Engine
from rig.namespace import in_network_namespace


class Inside:
    """The network namespace of a running container, by name or id."""

    def __init__(self, engine: Engine, container: str) -> None:
        state = engine.api.need("GET", f"/containers/{container}/json")["State"]
        assert state["Pid"] > 0, f"{container} does not run: {state}"
        # The engine counts process ids as its host does.
        self._namespace = engine.host.path(f"/proc/{state['Pid']}/ns/net")

    def within(self, work: Callable[[], Any]) -> Any:
        """Call `work` in a thread inside and return what it returned."""
        return in_network_namespace(self._namespace, work)

    def udp(self, family: socket.AddressFamily = socket.AF_INET, *, timeout: float = 5) -> socket.socket:
        """A UDP socket of the container."""
        made: socket.socket = self.within(lambda: socket.socket(family, socket.SOCK_DGRAM))
        made.settimeout(timeout)
        return made

    def connect(self, address: str, port: int, *, timeout: float = 5) -> socket.socket:
        """A TCP connection from inside. Raises `OSError`."""
        made: socket.socket = self.within(lambda: socket.create_connection((address, port), timeout=timeout))
        return made

    def fetch(self, address: str, port: int = 80, *, timeout: float = 5) -> bytes:
        """The body of `http://address:port/`. Raises `OSError`."""
        with self.connect(address, port, timeout=timeout) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            head, found, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
        if not found:
            raise OSError(f"no HTTP answer: {head!r}")
        return body

    def reaches(self, address: str, port: int = 80, *, timeout: float = 0.7) -> bool:
        """Whether a web server answers there."""
        try:
            self.fetch(address, port, timeout=timeout)
        except OSError:
            return False
        return True

    def ask(self, name: str, kind: str = "A", *, tcp: bool = False, server: str = "127.0.0.11") -> DNSRecord:
        """The answer of the container's name server. Raises `OSError` when none comes."""
        query = DNSRecord.question(name, kind)
        if tcp:
            with self.connect(server, 53) as connection:
                return _over_stream(connection, query)
        with self.udp() as sock:
            sock.sendto(query.pack(), (server, 53))
            while True:
                answer = DNSRecord.parse(sock.recv(65535))
                if answer.header.id == query.header.id:
                    return answer

    def addresses(self, name: str, kind: str = "A", **how: Any) -> list[str]:
        """The addresses of `name` in the order given; empty when there is none."""
        return [str(record.rdata) for record in self.ask(name, kind, **how).rr]

    def serve_udp(self, port: int, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        """Echo datagrams on `port` inside until the returned socket is closed."""
        sock = self.within(lambda: _bound(family, port))

        def echo() -> None:
            while True:
                try:
                    data, sender = sock.recvfrom(65535)
                    sock.sendto(data, sender)
                except OSError:
                    return

        Thread(target=echo, daemon=True).start()
        return sock  # type: ignore[no-any-return]


def _bound(family: socket.AddressFamily, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind(("", port))
    return sock


def _over_stream(connection: socket.socket, query: DNSRecord) -> DNSRecord:
    packed = query.pack()
    connection.sendall(len(packed).to_bytes(2, "big") + packed)
    with connection.makefile("rb") as stream:
        size = int.from_bytes(stream.read(2), "big")
        return DNSRecord.parse(stream.read(size))
