"""Which of the host's tables are ours: known by the kernel's handle, so that a deletion by others shows."""

import hashlib
import re
import threading
from collections.abc import Callable
from pathlib import Path

from weft.kernel.netlink.channel import NETLINK_NETFILTER, Channel
from weft.kernel.netlink.netfilter import find_table, list_tables

_PLAIN = re.compile(r"[A-Za-z0-9_./-]{1,100}")


class OwnTables:
    """Tables that Weft loaded and nobody deleted since.

    A load replaces a table: the old handle is forgotten before and the new one learnt after, so that the deletion
    inside our own transaction is never taken for somebody else's. For use from any thread.
    """

    def __init__(self, exec_root: Path) -> None:
        path = str(exec_root)
        shown = path if _PLAIN.fullmatch(path) else hashlib.sha256(path.encode()).hexdigest()[:12]
        self.comment = f"weft {shown}"  # tells the tables of two daemons apart
        self._lock = threading.Lock()
        self._channel = Channel(NETLINK_NETFILTER)
        self._handles: dict[str, int] = {}
        self._callback: Callable[[str], None] | None = None

    def close(self) -> None:
        """Stop watching; the tables stay."""
        self._channel.close()

    def when_lost(self, callback: Callable[[str], None] | None) -> None:
        """Call back, in whatever thread notices, with the name of each table that somebody else deleted."""
        self._callback = callback

    def adopt(self) -> None:
        """Take over the tables that an earlier daemon with the same exec root left; raises OSError."""
        with self._lock:
            for table in list_tables(self._channel):
                if table.comment == self.comment:
                    self._handles[table.name] = table.handle

    def names(self) -> frozenset[str]:
        """Return the names of all tables of family inet, whoever made them; raises OSError."""
        with self._lock:
            return frozenset(table.name for table in list_tables(self._channel))

    def forget(self, name: str) -> bool:
        """Before our own deletion or load of a table: return whether it was ours and there."""
        with self._lock:
            return self._handles.pop(name, None) is not None

    def learn(self, name: str) -> None:
        """After a load: remember the table that is there now; one that is already gone was deleted by others."""
        with self._lock:
            found = find_table(self._channel, name)
            if found is not None:
                self._handles[name] = found.handle
        if found is None:
            self._lost(name)

    def deleted(self, name: str, handle: int) -> None:
        """Take note that the kernel told of a table's deletion."""
        with self._lock:
            ours = self._handles.get(name) == handle
            if ours:
                del self._handles[name]
        if ours:
            self._lost(name)

    def is_own(self, name: str) -> bool:
        """Whether the table of family inet and that name is ours."""
        with self._lock:
            return name in self._handles

    def damaged(self, name: str) -> None:
        """Take note that somebody took rules, chains or sets out of a table, if it is ours."""
        if self.is_own(name):
            self._lost(name)

    def check(self) -> None:
        """Compare with the kernel, after events were lost; raises OSError."""
        with self._lock:
            present = {table.name: table.handle for table in list_tables(self._channel)}
            lost = [name for name, handle in self._handles.items() if present.get(name) != handle]
            for name in lost:
                del self._handles[name]
        for name in lost:
            self._lost(name)

    def _lost(self, name: str) -> None:
        if self._callback is not None:
            self._callback(name)
