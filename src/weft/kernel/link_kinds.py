"""Which kinds of links the kernel has: probed where nobody is disturbed, a kind at a time, when it is first needed.

Probing has the kernel load the module of that kind where there is one, so nothing is probed that no network asks for.
"""

import errno
import os
import threading

from weft.kernel.namespace import Home
from weft.kernel.netlink.channel import Channel
from weft.kernel.netlink.link import probe_link


class LinkKinds:
    """Remembers what is there; what is not may come with a module, and is probed again. Its methods block."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def has(self, kind: str) -> bool:
        """Whether the kernel can make links of that kind; raises OSError where nothing can be probed."""
        with self._lock:
            if kind not in self._known and self._probe(kind):
                self._known.add(kind)
            return kind in self._known

    def _probe(self, kind: str) -> bool:
        with self._home.visit_new() as descriptor:
            channel = Channel()
            try:
                refused = channel.transact([probe_link(kind)]).get(0)
            finally:
                channel.close()
        os.close(descriptor)
        return refused is None or refused.errno != errno.EOPNOTSUPP
