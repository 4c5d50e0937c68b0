"""Trees of files as a tar stream, read by descriptor: nothing is followed, nothing is held in memory."""

import contextlib
import os
import stat
import tarfile
from collections.abc import Iterator
from typing import Final

from weft.runtime.files.tar_header import END, Header, padding

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FLUSHED_AT: Final = 1 << 16  # bytes
_PIECE: Final = 1 << 20  # bytes
_CAPABILITY: Final = "security.capability"
_OPAQUE: Final = "trusted.overlay.opaque"
_WHITEOUT: Final = ".wh."
_KINDS: Final = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}  # sockets have no place in a tar file


class Packer:
    """Writes entries to a descriptor.

    `whiteouts` turns overlayfs' marks of a writable layer into the image format's; `user_attributes` keeps extended
    attributes of users besides capabilities. What vanishes while it is looked at is left out, as Docker does.
    """

    def __init__(self, output: int, *, whiteouts: bool = False, user_attributes: bool = False) -> None:
        self._output = output
        self._whiteouts = whiteouts
        self._user_attributes = user_attributes
        self._pending = bytearray()
        self._seen: dict[tuple[int, int], str] = {}  # names of files that have several

    def entry(self, parent: int, name: str, path: str) -> None:
        """Write what is called `name` in a directory, under the name `path`, and all that is in it."""
        directory = self._entry(parent, name, path)
        if directory is not None:
            self.content(directory, path if path.endswith("/") else path + "/")

    def content(self, directory: int, prefix: str) -> None:
        """Write what is in a directory, in the order of names; the descriptor is closed."""
        stack = [(directory, prefix, _names(directory))]
        try:
            while stack:
                directory, prefix, names = stack[-1]
                name = next(names, None)
                if name is None:
                    os.close(stack.pop()[0])
                    continue
                below = self._entry(directory, name, prefix + name)
                if below is not None:
                    stack.append((below, f"{prefix}{name}/", _names(below)))
        finally:
            for directory, _, _ in stack:
                os.close(directory)

    def end(self) -> None:
        """Write the end mark."""
        self._pending += END
        self._flush()

    def _entry(self, parent: int, name: str, path: str) -> int | None:
        """Write one entry; return a descriptor of a directory, to be looked into."""
        try:
            status = os.lstat(name, dir_fd=parent)
            kind = stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFDIR:
                return self._directory(os.open(name, _DIRECTORY, dir_fd=parent), path)
            if self._whiteouts and kind == stat.S_IFCHR and status.st_rdev == 0:
                self._mark(path, status)
            elif status.st_nlink > 1 and (first := self._seen.get((status.st_dev, status.st_ino))):
                self._add(_header(path, status, tarfile.LNKTYPE, target=first))
            elif kind == stat.S_IFREG:
                self._file(os.open(name, _FILE, dir_fd=parent), path)
            elif kind in _KINDS:
                target = os.readlink(name, dir_fd=parent) if kind == stat.S_IFLNK else ""
                self._remember(path, status)
                self._add(_header(path, status, _KINDS[kind], target=target))
        except FileNotFoundError:
            pass
        return None

    def _directory(self, directory: int, path: str) -> int:
        attributes = self._attributes(directory)
        status = os.fstat(directory)
        header = _header(path if path.endswith("/") else path + "/", status, tarfile.DIRTYPE)
        header.attributes = attributes
        self._add(header)
        if self._whiteouts and _attribute(directory, _OPAQUE) == b"y":
            self._add(_header(f"{path.rstrip('/')}/{_WHITEOUT}{_WHITEOUT}.opq", status, tarfile.REGTYPE, mode=0o600))
        return directory

    def _mark(self, path: str, status: os.stat_result) -> None:
        directory, slash, name = path.rpartition("/")
        self._add(_header(f"{directory}{slash}{_WHITEOUT}{name}", status, tarfile.REGTYPE, mode=0o600))

    def _file(self, descriptor: int, path: str) -> None:
        with contextlib.closing(os.fdopen(descriptor, "rb", buffering=0)):
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return  # it has become something else
            self._remember(path, status)
            header = _header(path, status, tarfile.REGTYPE)
            header.size = status.st_size
            header.attributes = self._attributes(descriptor)
            self._add(header)
            self._copy(descriptor, status.st_size)
            self._pending += padding(status.st_size)

    def _copy(self, descriptor: int, size: int) -> None:
        """Write exactly `size` bytes: a file that grows is cut, one that shrinks is filled with zeros."""
        self._flush()
        left = size
        while left:
            copied = os.sendfile(self._output, descriptor, None, min(left, _PIECE))
            if copied == 0:
                break
            left -= copied
        while left:
            piece = bytes(min(left, _PIECE))
            self._write(piece)
            left -= len(piece)

    def _remember(self, path: str, status: os.stat_result) -> None:
        if status.st_nlink > 1:
            self._seen[status.st_dev, status.st_ino] = path

    def _attributes(self, descriptor: int) -> dict[str, bytes]:
        names = [_CAPABILITY]
        if self._user_attributes:
            with contextlib.suppress(OSError):  # the file system has none
                names += [name for name in os.listxattr(descriptor) if name.startswith("user.")]
        found = ((name, _attribute(descriptor, name)) for name in names)
        return {name: value for name, value in found if value is not None}

    def _add(self, header: Header) -> None:
        self._pending += header.encode()
        if len(self._pending) >= _FLUSHED_AT:
            self._flush()

    def _flush(self) -> None:
        pending, self._pending = self._pending, bytearray()
        self._write(pending)

    def _write(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._output, view) :]


def _names(directory: int) -> Iterator[str]:
    return iter(sorted(os.listdir(directory), key=os.fsencode))


def _header(path: str, status: os.stat_result, kind: bytes, *, target: str = "", mode: int | None = None) -> Header:
    device = (
        (os.major(status.st_rdev), os.minor(status.st_rdev)) if kind in (tarfile.CHRTYPE, tarfile.BLKTYPE) else (0, 0)
    )
    return Header(
        name=path,
        kind=kind,
        mode=stat.S_IMODE(status.st_mode) if mode is None else mode,
        uid=status.st_uid,
        gid=status.st_gid,
        mtime=status.st_mtime_ns // 1_000_000_000,  # whole seconds, as Docker's
        target=target,
        device=device,
    )


def _attribute(descriptor: int, name: str) -> bytes | None:
    try:
        return os.getxattr(descriptor, name)
    except OSError:
        return None
