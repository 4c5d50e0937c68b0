"""Whether a datagram gets there and back, asked from inside hosts and containers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address
from threading import Thread
from typing import Any, Protocol

PORT = 7


class Place(Protocol):
    """A throw-away host, or the inside of a container."""

    def within(self, work: Callable[[], Any]) -> Any:
        """Call `work` in its network namespace."""


def echo(place: Place) -> socket.socket:
    """Answer every datagram to `PORT` there, IPv4 and IPv6, until the socket is closed or the place is gone."""
    sock: socket.socket = place.within(_listening)

    def answer() -> None:
        while True:
            try:
                data, sender = sock.recvfrom(100)
                sock.sendto(data, sender)
            except OSError:
                return

    Thread(target=answer, daemon=True).start()
    return sock


def _listening() -> socket.socket:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", PORT))
    return sock


def fault(place: Place, address: str, *, tries: int = 1) -> str:
    """Why nothing comes back from the echo at `address`; empty when something does. A try takes a second."""
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    with place.within(lambda: socket.socket(family, socket.SOCK_DGRAM)) as sock:
        sock.settimeout(1)
        for _ in range(tries):
            try:
                sock.sendto(b"anybody there?", (address, PORT))
                sock.recv(100)
            except OSError as error:
                trouble = "timed out" if isinstance(error, TimeoutError) else str(error.strerror)
            else:
                return ""
    return trouble


def reaches(place: Place, address: str) -> bool:
    """Whether the echo at `address` answers; the first packets may be lost to address resolution."""
    return fault(place, address, tries=8) == ""
