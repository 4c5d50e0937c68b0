"""A tar stream written into a directory of a container, entry by entry, as Docker's engine does it.

Every name is opened from the container's root, so that links, the container's own and those of the archive, lead
nowhere else. A file appears whole or not at all: it is written under another name first.
"""

import contextlib
import errno
import os
import posixpath
import secrets
import shutil
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from weft.runtime.files.places import open_directory
from weft.runtime.files.refused import Refused

_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE: Final = 1 << 20  # bytes
_LAST: Final = 1 << 34  # seconds since the epoch: what ext4 can hold, roughly
_ATTRIBUTE: Final = "SCHILY.xattr."
_ATTRIBUTES: Final = ("user.", "security.capability")  # what a layer may carry as well
_DEVICES: Final = {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """`owner` (uid, gid) replaces the archive's owners; `keep_types`: no directory takes a file's place, or the
    other way round."""

    owner: tuple[int, int] | None = None
    keep_types: bool = False


class Extractor:
    """Writes into the directory `destination`, an absolute path inside the root at a descriptor."""

    def __init__(self, root: int, destination: str, manner: Manner) -> None:
        self._root = root
        self._destination = destination
        self._manner = manner
        self._directories: list[tuple[str, tuple[float, float]]] = []  # whose times come last

    def extract(self, stream: IO[bytes]) -> None:
        """Write all entries; Refused for what is no tar file or leads out, OSError where the file system refuses."""
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=_PIECE) as archive:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # tarfile would keep every one
                    self._place(archive, member)
        except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
            raise Refused(f"archive/tar: {error}") from error
        for path, times in self._directories:
            with contextlib.suppress(FileNotFoundError), self._parent(path) as (parent, name):
                os.utime(name, times, dir_fd=parent, follow_symlinks=False)

    def _place(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = posixpath.normpath(member.name.lstrip("/"))
        if name == ".":
            return
        if name == ".." or name.startswith("../"):
            raise Refused(f'"{member.name}" is outside of "{self._destination}"')
        path = posixpath.join(self._destination, name)
        try:
            self._entry(archive, member, path)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from error

    def _entry(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        with self._parent(path) as (parent, base):
            there = _status(parent, base)
            if there is not None:
                self._check_types(path, there, member)
            if member.isdir():
                self._make_directory(parent, base, there, member)
                self._directories.append((path, _times(member)))
            else:
                self._make(archive, member, parent, base, there)

    @contextlib.contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        directory = open_directory(self._root, posixpath.dirname(path), make=True)
        try:
            yield directory, posixpath.basename(path)
        finally:
            os.close(directory)

    def _check_types(self, path: str, there: os.stat_result, member: tarfile.TarInfo) -> None:
        was_directory = stat.S_ISDIR(there.st_mode)
        if self._manner.keep_types and was_directory is not member.isdir():
            old, new = ("directory", "non-directory") if was_directory else ("non-directory", "directory")
            raise Refused(f'cannot overwrite {old} "{path}" with {new} "{self._destination}"')

    def _make_directory(self, parent: int, base: str, there: os.stat_result | None, member: tarfile.TarInfo) -> None:
        if there is not None and not stat.S_ISDIR(there.st_mode):
            os.unlink(base, dir_fd=parent)
            there = None
        if there is None:
            os.mkdir(base, 0o700, dir_fd=parent)
        descriptor = os.open(base, _DIRECTORY, dir_fd=parent)
        try:
            self._dress(descriptor, member)
        finally:
            os.close(descriptor)

    def _make(
        self,
        archive: tarfile.TarFile,
        member: tarfile.TarInfo,
        parent: int,
        base: str,
        there: os.stat_result | None,
    ) -> None:
        """Make anything but a directory under another name, then give it its own in place of what had it."""
        temporary = f".weft-{secrets.token_hex(8)}"
        try:
            if member.islnk():
                self._link(member, parent, temporary)
            elif member.isreg():
                self._write(archive, member, parent, temporary)
            else:
                self._special(member, parent, temporary)
            if there is not None and stat.S_ISDIR(there.st_mode):
                shutil.rmtree(base, dir_fd=parent)
            _rename(parent, temporary, base)
        finally:
            # a name of a file that was renamed onto another of its own names is still there (rename(2))
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=parent)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str) -> None:
        source = archive.extractfile(member)
        if source is None:
            raise Refused(f'"{member.name}" has no content')
        descriptor = os.open(name, _NEW, 0o600, dir_fd=parent)
        try:
            left = member.size
            while left:
                piece = source.read(min(left, _PIECE))
                if not piece:
                    raise Refused("unexpected EOF")
                _write_all(descriptor, piece)
                left -= len(piece)
            self._dress(descriptor, member)
            os.utime(descriptor, _times(member))
        finally:
            os.close(descriptor)

    def _link(self, member: tarfile.TarInfo, parent: int, name: str) -> None:
        target = posixpath.normpath(member.linkname.lstrip("/"))
        if target in (".", "..") or target.startswith("../"):
            raise Refused(f'invalid hardlink "{target}" -> "{member.name}"')
        with self._parent(posixpath.join(self._destination, target)) as (directory, base):
            os.link(base, name, src_dir_fd=directory, dst_dir_fd=parent, follow_symlinks=False)

    def _special(self, member: tarfile.TarInfo, parent: int, name: str) -> None:
        if member.issym():
            os.symlink(member.linkname, name, dir_fd=parent)
        elif member.type in _DEVICES:
            # with its mode at once (there is no umask): chmod(2) would follow what a container swaps for the name
            mode = _DEVICES[member.type] | stat.S_IMODE(member.mode)
            os.mknod(name, mode, os.makedev(member.devmajor, member.devminor), dir_fd=parent)
        else:
            raise Refused(f"unhandled tar header type {ord(member.type)}")
        os.chown(name, *self._owner(member), dir_fd=parent, follow_symlinks=False)
        os.utime(name, _times(member), dir_fd=parent, follow_symlinks=False)

    def _dress(self, descriptor: int, member: tarfile.TarInfo) -> None:
        """Give a file or directory its owner, extended attributes and mode, in this order: each undoes the next."""
        os.fchown(descriptor, *self._owner(member))
        for key, value in member.pax_headers.items():
            name = key.removeprefix(_ATTRIBUTE)
            if key.startswith(_ATTRIBUTE) and name.startswith(_ATTRIBUTES):
                with contextlib.suppress(PermissionError), _unsupported_is_fine():
                    os.setxattr(descriptor, name, value.encode("utf-8", "surrogateescape"))
        os.fchmod(descriptor, stat.S_IMODE(member.mode))

    def _owner(self, member: tarfile.TarInfo) -> tuple[int, int]:
        return self._manner.owner or (member.uid, member.gid)


def _times(member: tarfile.TarInfo) -> tuple[float, float]:
    """Return access and modification time; one that no file system has is the epoch."""
    moment = member.mtime if 0 <= member.mtime < _LAST else 0
    return moment, moment


def _rename(parent: int, old: str, new: str) -> None:
    os.rename(old, new, src_dir_fd=parent, dst_dir_fd=parent)


def _status(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.lstat(name, dir_fd=parent)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _unsupported_is_fine() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
