"""How much passes: a flood of bytes from one place to another, held against a rate."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from rig.host import Host
from rig.inside import Inside

PORT = 5001


def passed(source: Callable[[], None], sink: Inside, budget: float) -> tuple[int, float]:
    """The bytes that reach `sink`, and the seconds from before the first was sent until the last was read."""
    listening = sink.within(lambda: socket.create_server(("0.0.0.0", PORT)))
    listening.settimeout(20)
    sending = threading.Thread(target=source, daemon=True)
    began = time.monotonic()
    sending.start()
    with listening:
        connection, _ = listening.accept()
    with connection:
        connection.settimeout(10)
        total = len(connection.recv(1 << 20))
        deadline = time.monotonic() + budget
        while time.monotonic() < deadline and (data := connection.recv(1 << 20)):
            total += len(data)
    seconds = time.monotonic() - began
    sending.join(10)
    return total, seconds


def is_held_to(rate: int, outcome: tuple[int, float], at_once: int = 100_000) -> bool:
    """Whether something passed, and no more than bytes a second and a burst allow; a busy machine makes it less."""
    total, seconds = outcome
    return 10_000 < total < rate * seconds + at_once


def flood(source: Inside | Host, address: str) -> Callable[[], None]:
    """Send to that address for as long as it takes."""

    def work() -> None:
        try:
            with source.connect(address, PORT) as connection:
                while True:
                    connection.sendall(bytes(65536))
        except OSError:
            return

    return work
