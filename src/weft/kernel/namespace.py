"""Network namespaces of threads: the one the daemon started in, and visits to others."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from weft.kernel.libc import NEW_NETWORK, setns, unshare

_OWN = "/proc/thread-self/ns/net"


class Home:
    """The namespace the daemon runs in, which need not be the machine's first one.

    Visits move the calling thread only: use them in worker threads, between two calls that may not be elsewhere.
    """

    def __init__(self) -> None:
        self.descriptor = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of the namespace."""
        os.close(self.descriptor)

    def enter(self) -> None:
        """Move the calling thread home."""
        setns(self.descriptor, NEW_NETWORK)

    @contextmanager
    def visit(self, descriptor: int) -> Iterator[None]:
        """Run the body in the namespace of that file descriptor; raises OSError."""
        setns(descriptor, NEW_NETWORK)
        try:
            yield
        finally:
            self.enter()

    @contextmanager
    def visit_new(self) -> Iterator[int]:
        """Run the body in a new namespace; yields a file descriptor of it, which the caller owns. Raises OSError."""
        unshare(NEW_NETWORK)
        try:
            descriptor = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
            try:
                yield descriptor
            except BaseException:
                os.close(descriptor)
                raise
        finally:
            self.enter()

    def socket_in(self, descriptor: int, family: int, kind: int) -> socket.socket:
        """Return a socket that lives in the namespace of that file descriptor; raises OSError."""
        with self.visit(descriptor):
            return socket.socket(family, kind)
