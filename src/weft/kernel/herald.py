"""Advertises new endpoints' addresses, from a thread of its own: closing a packet socket waits for the kernel."""

import heapq
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from weft.kernel.announcement import announcement
from weft.kernel.namespace import Home
from weft.plan.operations import AdvertiseAddresses

_LOG = logging.getLogger(__name__)
_NO_PROTOCOL = 0  # of a packet socket that receives nothing


@dataclass(order=True, slots=True)
class _Turn:
    """One message to send; `due` is on the monotonic clock."""

    due: float
    number: int
    operation: AdvertiseAddresses = field(compare=False)
    left: int = field(compare=False)


class Herald:
    """Sends what it is told, again and again, until it was sent often enough or the link is gone.

    No reference to a namespace is held between two messages, so that none outlives its container.
    """

    def __init__(self, home: Home, open_namespace: Callable[[str], int]) -> None:
        self._home = home
        self._open_namespace = open_namespace
        self._changed = threading.Condition()
        self._turns: list[_Turn] = []
        self._latest: dict[tuple[str, str], int] = {}  # (sandbox, link) -> number: an earlier task for it is over
        self._number = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def advertise(self, operation: AdvertiseAddresses) -> None:
        """Begin to advertise; returns at once."""
        with self._changed:
            self._number += 1
            self._latest[operation.namespace, operation.link] = self._number
            heapq.heappush(self._turns, _Turn(time.monotonic(), self._number, operation, operation.count))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="weft-herald", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Stop, with what is left unsent."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (turn := self._next()) is not None:
            try:
                self._send(turn.operation)
            except OSError as error:  # the container is gone, or the link is in other hands
                _LOG.debug("no more advertisements of %s: %s", turn.operation.addresses, error)
                turn.left = 0
            self._again(turn)

    def _next(self) -> _Turn | None:
        """Wait for the next message that is due; None at the end."""
        with self._changed:
            while not self._closed:
                if not self._turns:
                    self._changed.wait()
                elif self._latest.get(_key(self._turns[0])) != self._turns[0].number:
                    heapq.heappop(self._turns)
                elif (rest := self._turns[0].due - time.monotonic()) > 0:
                    self._changed.wait(rest)
                else:
                    return heapq.heappop(self._turns)
        return None

    def _again(self, turn: _Turn) -> None:
        with self._changed:
            if turn.left > 1:
                due = turn.due + turn.operation.interval / 1000
                heapq.heappush(self._turns, _Turn(due, turn.number, turn.operation, turn.left - 1))
            elif self._latest.get(_key(turn)) == turn.number:
                del self._latest[_key(turn)]

    def _send(self, operation: AdvertiseAddresses) -> None:
        descriptor = self._open_namespace(operation.namespace)
        try:
            with (
                self._home.visit(descriptor),
                socket.socket(socket.AF_PACKET, socket.SOCK_RAW, _NO_PROTOCOL) as sender,
            ):
                sender.bind((operation.link, _NO_PROTOCOL))
                for address in operation.addresses:
                    sender.send(announcement(address, operation.mac))
        finally:
            os.close(descriptor)


def _key(turn: _Turn) -> tuple[str, str]:
    return turn.operation.namespace, turn.operation.link
