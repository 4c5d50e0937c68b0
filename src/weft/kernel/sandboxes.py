"""Pinned namespaces: one file a sandbox below <exec_root>/netns, a mount that a later daemon finds again."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from weft.kernel import libc
from weft.kernel.namespace import Home
from weft.kernel.netlink.channel import Channel
from weft.kernel.stock import Prepared, Stock
from weft.model.errors import InvalidParameter

_MOUNTS = Path("/proc/thread-self/mountinfo")


class Sandboxes:
    """Makes, pins and unpins namespaces. Its methods block: use them in worker threads."""

    def __init__(self, directory: Path, home: Home, stock: Stock) -> None:
        self._directory = directory
        self._home = home
        self._stock = stock

    def open(self) -> None:
        """Make the directory a mount of its own with shared propagation, as `ip netns` does; raises OSError.

        What is pinned there is then visible in mount namespaces that were copied from ours. Files without a mount,
        left by a daemon that was killed or by a reboot, are removed.
        """
        self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        path = str(self._directory.resolve())
        if not _is_shared_mount(path):
            libc.mount(path, path, libc.BIND | libc.REC)
            # private first: as a peer of what it lies on, each pin would show twice
            libc.mount("none", path, libc.PRIVATE | libc.REC)
            libc.mount("none", path, libc.SHARED | libc.REC)
        for entry in self._directory.iterdir():
            if not _is_pin(entry):
                entry.unlink()

    def close(self) -> None:
        """Give the directory back if no sandbox is pinned; others stay as they are, for the next daemon."""
        with suppress(OSError):  # the directory may be gone, or in use by whoever stands in it
            if not any(self._directory.iterdir()):
                libc.unmount(str(self._directory.resolve()), libc.DETACH)
                self._directory.rmdir()

    def path(self, sandbox: str) -> Path:
        """Return where a sandbox is pinned; raises InvalidParameter for a name that is no file name."""
        if "/" in sandbox or sandbox in ("", ".", ".."):
            raise InvalidParameter(f"sandbox {sandbox!r} cannot be the name of a file")
        return self._directory / sandbox

    def names(self) -> frozenset[str]:
        """Return the sandboxes that are pinned."""
        return frozenset(entry.name for entry in self._directory.iterdir() if _is_pin(entry))

    def create(self, sandbox: str) -> Prepared:
        """Pin a namespace under that name and return it, for the caller to close; raises OSError (EEXIST)."""
        path = str(self.path(sandbox))
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY | os.O_CLOEXEC, 0o444))
        try:
            prepared = self._stock.take()
            try:
                libc.mount(f"/proc/thread-self/fd/{prepared.descriptor}", path, libc.BIND)
            except OSError:
                prepared.close()
                raise
        except OSError:
            os.unlink(path)
            raise
        return prepared

    def delete(self, sandbox: str) -> bool:
        """Unpin a sandbox; return whether it was there. Its links go with its last process. Raises OSError."""
        path = self.path(sandbox)
        try:
            libc.unmount(str(path), libc.DETACH)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EINVAL):
                raise
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def descriptor(self, sandbox: str) -> int:
        """Return a file descriptor of a pinned namespace, for the caller to close; raises OSError (ENOENT)."""
        return os.open(self.path(sandbox), os.O_RDONLY | os.O_CLOEXEC)

    def channel_in(self, descriptor: int) -> Channel:
        """Return a channel inside a namespace, for the caller to close; raises OSError."""
        with self._home.visit(descriptor):
            return Channel()


def _is_pin(entry: Path) -> bool:
    try:
        return libc.file_system(str(entry)) == libc.NSFS_MAGIC
    except FileNotFoundError:  # let go since the directory was read
        return False


def _is_shared_mount(path: str) -> bool:
    """Whether `path` is a mount point with shared propagation (proc_pid_mountinfo(5))."""
    for line in _MOUNTS.read_text().splitlines():
        before, _, _ = line.partition(" - ")
        fields = before.split()
        if _unescaped(fields[4]) == path and any(option.startswith("shared:") for option in fields[6:]):
            return True
    return False


def _unescaped(field: str) -> str:
    """Mount points show space, tab, newline and backslash as a backslash and three octal digits."""
    for character in " \t\n\\":
        field = field.replace(f"\\{ord(character):03o}", character)
    return field
