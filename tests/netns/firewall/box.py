"""A place to send from and to serve in: a host, or a sandbox of one."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from rig.namespace import in_network_namespace


class Box:
    """A network namespace. Servers answer with the address that they saw, and stop with `close`."""

    def __init__(self, namespace: Path) -> None:
        self._namespace = namespace
        self._servers: list[socket.socket] = []

    def _within(self, work: Callable[[], Any]) -> Any:
        return in_network_namespace(self._namespace, work)

    def serve(self, *ports: int) -> None:
        """Answer on TCP and UDP ports, both families."""
        for number in ports:
            self._servers += [
                self._within(lambda number=number: _tcp(number)),
                self._within(lambda number=number: _udp(number)),
            ]
            Thread(target=_answer_tcp, args=(self._servers[-2],), daemon=True).start()
            Thread(target=_answer_udp, args=(self._servers[-1],), daemon=True).start()

    def tcp(self, address: str, port: int, *, source: str = "", timeout: float = 3) -> str:
        """The address that a TCP server there saw. Raises `OSError`."""
        bound = (source, 0) if source else None

        def connect() -> socket.socket:
            return socket.create_connection((address, port), timeout=timeout, source_address=bound)

        with self._within(connect) as connection:
            return str(connection.recv(100).decode())

    def udp(self, address: str, port: int, *, timeout: float = 3) -> str:
        """The address that a UDP server there saw. Raises `OSError`."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self._within(lambda: socket.socket(family, socket.SOCK_DGRAM)) as sender:
            sender.settimeout(timeout)
            sender.connect((address, port))
            sender.send(b"who")
            return str(sender.recv(100).decode())

    def silent(self, address: str, port: int) -> bool:
        """Whether nothing comes back, over TCP and over UDP: neither answer nor refusal."""
        return all(_times_out(ask, address, port) for ask in (self.tcp, self.udp))

    def segment(self, address: str, port: int) -> int:
        """The most bytes that a TCP segment to a server there may carry, as both sides agreed."""
        with self._within(lambda: socket.create_connection((address, port), timeout=3)) as connection:
            return int(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))

    def pings(self, address: str) -> bool:
        """Whether `address` answers a ping."""
        enter = ["nsenter", f"--net={self._namespace}", "--"]
        done = subprocess.run([*enter, "busybox", "ping", "-c1", "-W1", address], capture_output=True, check=False)
        return done.returncode == 0

    def close(self) -> None:
        """Stop the servers."""
        for server in self._servers:
            # shutdown wakes the thread that waits in accept; a datagram socket without a peer says ENOTCONN, and wakes.
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()


def _times_out(ask: Callable[..., str], address: str, port: int) -> bool:
    try:
        ask(address, port, timeout=0.4)
    except TimeoutError:
        return True
    except OSError:
        return False
    return False


def _tcp(number: int) -> socket.socket:
    return socket.create_server(("::", number), family=socket.AF_INET6, dualstack_ipv6=True, backlog=100)


def _udp(number: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind(("::", number))
    return made


def _answer_tcp(server: socket.socket) -> None:
    while True:
        try:
            connection, peer = server.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):  # a client may be gone already
            connection.sendall(_seen(peer))


def _answer_udp(server: socket.socket) -> None:
    while True:
        try:
            _, peer = server.recvfrom(100)
            if not peer:
                return
            server.sendto(_seen(peer), peer)
        except OSError:
            return


def _seen(peer: Any) -> bytes:
    return str(peer[0]).removeprefix("::ffff:").encode()
