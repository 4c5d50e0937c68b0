"""A small stock of namespaces made ahead of use: making one is most of what a sandbox costs.

They are held by file descriptors alone, so that nothing of the stock outlives the daemon, however it ends.
"""

import logging
import os
import time
from collections import deque
from concurrent.futures import Executor
from dataclasses import dataclass

from weft.kernel.namespace import Home
from weft.kernel.netlink.channel import Channel
from weft.kernel.netlink.link import raise_loopback
from weft.kernel.procfs import Procfs
from weft.kernel.sysctl import SANDBOX_DEFAULTS, write

_SIZE = 4
_BREATH = 0.005  # seconds, in which a container's start goes on undisturbed
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Prepared:
    """A namespace ready for use: loopback up, sysctls set. Without a pin it goes with its descriptor."""

    descriptor: int
    channel: Channel

    def close(self) -> None:
        """Let go of it."""
        self.channel.close()
        os.close(self.descriptor)


def prepare(home: Home, procfs: Procfs) -> Prepared:
    """Make a namespace with loopback up and the sysctls that containers expect; raises OSError."""
    with home.visit_new() as descriptor:
        channel = Channel()
        try:
            for error in channel.transact([raise_loopback()]).values():
                raise error
            for path, value in SANDBOX_DEFAULTS:
                write(procfs, path, value)
        except OSError:
            channel.close()
            raise
    return Prepared(descriptor, channel)


class Stock:
    """Holds prepared namespaces; refilled by `workers`, of which one is enough."""

    def __init__(self, home: Home, procfs: Procfs, workers: Executor) -> None:
        self._home = home
        self._procfs = procfs
        self._workers = workers
        self._shelf: deque[Prepared] = deque()
        self._open = True

    def take(self) -> Prepared:
        """Return a namespace, from the shelf or made now, for the caller to close; raises OSError."""
        try:
            return self._shelf.popleft()
        except IndexError:
            return prepare(self._home, self._procfs)

    def refill(self) -> None:
        """Make what was taken, where nobody waits for it: call it when a plan is done, lest the two compete."""
        if self._open:
            self._workers.submit(self.fill)

    def fill(self) -> None:
        """Make what the shelf lacks, after a breath. A failure is left to the next caller, who meets it itself."""
        if len(self._shelf) < _SIZE:
            time.sleep(_BREATH)
        while self._open and len(self._shelf) < _SIZE:
            try:
                self._shelf.append(prepare(self._home, self._procfs))
            except OSError as error:
                _LOG.warning("cannot prepare a network namespace: %s", error)
                return

    def stop(self) -> None:
        """Make no more."""
        self._open = False

    def close(self) -> None:
        """Let go of what is on the shelf; call it when the workers have ended."""
        while self._shelf:
            self._shelf.popleft().close()
