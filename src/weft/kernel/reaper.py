"""Deletes links where nobody waits for the kernel to be done with it: 14 to 33 ms a link, 40 ms a bridge.

Links that were silenced go many in one request. A silenced link carries the group number of the doomed; the kernel
deletes a group at once, and what a killed daemon left is found by the same number. Other links are waited for until
they are no longer listed, which they are not from the first millisecond on.
"""

import errno
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import closing

from weft.kernel.netlink.channel import Channel, NetlinkError
from weft.kernel.netlink.link import delete_doomed, delete_link, delete_unfinished

_LOG = logging.getLogger(__name__)
_GRACE = 1.0  # seconds in which the kernel takes the links of a deleted sandbox away by itself
_GLANCE = 0.0005  # seconds between two looks whether a link is listed


class Reaper:
    """Collects the doomed of the daemon's own namespace."""

    def __init__(self, workers: Executor) -> None:
        self._workers = workers
        self._channel = Channel()
        self._lock = threading.Lock()
        self._busy = threading.Lock()
        self._timer: threading.Timer | None = None
        self._expected = 1  # a killed daemon may have left some
        self._reaped = 0
        self._closed = False

    @property
    def is_pending(self) -> bool:
        """Whether silenced links may still be there."""
        return self._expected != self._reaped

    def expect(self, *, soon: bool) -> None:
        """A link was silenced: delete it now (`soon`), or after the kernel had time to do so itself."""
        with self._lock:
            self._expected += 1
            if soon:
                self._workers.submit(self.reap)
            elif self._timer is None:
                self._timer = threading.Timer(_GRACE, self.reap)
                self._timer.daemon = True
                self._timer.start()

    def reap(self) -> None:
        """Delete all silenced links; blocks."""
        with self._lock:
            self._timer = None
            seen = self._expected
        with self._busy:
            if self._closed:
                return
            error = self._channel.transact([delete_doomed()]).get(0)
            self._reaped = max(self._reaped, seen)
        if error is not None and error.errno != errno.ENODEV:
            _LOG.warning("cannot delete links of removed endpoints: %s", error)

    def reap_unfinished(self) -> None:
        """Delete the links that a killed daemon made and could not finish; blocks. Call it before links are made."""
        with self._busy:
            error = self._channel.transact([delete_unfinished()]).get(0)
        if error is not None and error.errno != errno.ENODEV:
            _LOG.warning("cannot delete links that were left unfinished: %s", error)

    def delete(self, names: Sequence[str], look: Channel) -> dict[int, NetlinkError]:
        """Delete links; return the errors by place, as soon as none of the links is listed; `look` tells. Blocks."""
        deletion = self._workers.submit(_delete, names)
        while True:
            try:
                return deletion.result(_GLANCE)
            except TimeoutError:
                if not any(_is_listed(name, look) for name in names):
                    return {}

    def close(self) -> None:
        """Delete what is left, and stop; call it when the workers have ended."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        if self.is_pending:
            self.reap()
        with self._busy:
            self._closed = True
            self._channel.close()


def _delete(names: Sequence[str]) -> dict[int, NetlinkError]:
    with closing(Channel()) as channel:
        return channel.transact([delete_link(name) for name in names])


def _is_listed(name: str, look: Channel) -> bool:
    try:
        look.index(name)
    except OSError:
        return False
    return True
