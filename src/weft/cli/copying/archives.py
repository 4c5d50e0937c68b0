"""Tar streams of local files, and tar streams into local directories."""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
import threading
from collections.abc import Iterable, Iterator

from weft.cli.archive import CHUNK
from weft.cli.errors import CommandFailed

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def pack(path: str, name: str) -> Iterator[bytes]:
    """Yield a tar stream of a file or directory, under the name `name`; raises OSError where it cannot be read."""
    reader, writer = os.pipe()
    failures: list[OSError] = []

    def write() -> None:
        try:
            with (
                open(writer, "wb") as sink,
                tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as archive,
            ):
                archive.add(path, name, filter=_nameless)
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    with open(reader, "rb", buffering=0) as source:
        while data := source.read(CHUNK):
            yield data
    thread.join()
    if failures:
        raise failures[0]


def _nameless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Owners are numbers: their names mean others in a container."""
    entry.uname = entry.gname = ""
    return entry


class Unpacker:
    """Writes archives into one directory, and follows no link in it: the archive may come from a hostile container."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._later: list[tuple[str, tarfile.TarInfo]] = []  # directories: modes and times come when they are full

    def unpack(self, chunks: Iterable[bytes], rename: tuple[str, str]) -> None:
        """Write all entries; those that begin with `rename`'s first name begin with its second one instead.

        Raises CommandFailed with docker's texts, OSError where the file system refuses.
        """
        try:
            with tarfile.open(fileobj=_Source(chunks), mode="r|", bufsize=CHUNK) as archive:  # type: ignore[call-overload]
                for member in archive:
                    archive.members = []  # tarfile would keep every one
                    self._place(archive, member, rename)
        except tarfile.TarError as error:
            raise CommandFailed(f"archive/tar: {error}") from error
        for path, member in reversed(self._later):
            self._finish(path, member)

    def _place(self, archive: tarfile.TarFile, member: tarfile.TarInfo, rename: tuple[str, str]) -> None:
        name = self._checked(rebased(member.name, rename))
        if name == ".":
            return
        parent = self._open_parent(name)
        try:
            self._make(archive, member, parent, name, rename)
        except OSError as error:
            raise OSError(error.errno, error.strerror, os.path.join(self._directory, name)) from error
        finally:
            os.close(parent)

    def _make(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str, rename: tuple[str, str]
    ) -> None:
        base = posixpath.basename(name)
        self._make_room(member, parent, base, name)
        if member.isdir():
            if not _exists(parent, base):
                os.mkdir(base, 0o700, dir_fd=parent)
            self._later.append((name, member))
        elif member.issym():
            os.symlink(member.linkname, base, dir_fd=parent)
        elif member.islnk():
            self._link(self._checked(rebased(member.linkname, rename)), parent, base)
        elif member.isreg():
            self._write(archive, member, parent, base)
        elif member.isfifo():
            os.mkfifo(base, stat.S_IMODE(member.mode), dir_fd=parent)
        else:
            kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
            device = os.makedev(member.devmajor, member.devminor)
            os.mknod(base, kind | stat.S_IMODE(member.mode), device, dir_fd=parent)

    def _make_room(self, member: tarfile.TarInfo, parent: int, base: str, name: str) -> None:
        if not _exists(parent, base):
            return
        was_directory = stat.S_ISDIR(os.lstat(base, dir_fd=parent).st_mode)
        if was_directory is not member.isdir():
            old, new = ("directory", "non-directory") if was_directory else ("non-directory", "directory")
            path = os.path.join(self._directory, name)
            raise CommandFailed(f'cannot overwrite {old} "{path}" with {new} "{self._directory}"')
        if not was_directory:
            os.unlink(base, dir_fd=parent)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, parent: int, base: str) -> None:
        source = archive.extractfile(member)
        with open(os.open(base, _FILE, 0o600, dir_fd=parent), "wb") as target:
            while source is not None and (data := source.read(CHUNK)):
                target.write(data)
            os.fchmod(target.fileno(), stat.S_IMODE(member.mode))
            target.flush()
            os.utime(target.fileno(), (member.mtime, member.mtime))

    def _link(self, target: str, parent: int, base: str) -> None:
        directory = self._open_parent(target)
        try:
            os.link(posixpath.basename(target), base, src_dir_fd=directory, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(directory)

    def _finish(self, name: str, member: tarfile.TarInfo) -> None:
        parent = self._open_parent(name)
        try:
            directory = os.open(posixpath.basename(name), _DIRECTORY, dir_fd=parent)
        finally:
            os.close(parent)
        try:
            os.fchmod(directory, stat.S_IMODE(member.mode))
            os.utime(directory, (member.mtime, member.mtime))
        finally:
            os.close(directory)

    def _open_parent(self, name: str) -> int:
        """Open the directory that an entry lies in, step by step; missing ones are made."""
        current = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in name.split("/")[:-1]:
            try:
                if not _exists(current, part):
                    os.mkdir(part, 0o777, dir_fd=current)
                below = os.open(part, _DIRECTORY, dir_fd=current)
            finally:
                os.close(current)
            current = below
        return current

    def _checked(self, name: str) -> str:
        cleaned = posixpath.normpath(name.lstrip("/"))
        if cleaned == ".." or cleaned.startswith("../"):
            raise CommandFailed(f'"{name}" is outside of "{self._directory}"')
        return cleaned


def rebased(name: str, rename: tuple[str, str]) -> str:
    """Return an entry's name with the first name of `rename` at its beginning replaced by the second one."""
    old, new = rename
    if not new:
        return name
    if old in ("", "/"):
        return posixpath.join(new, name.lstrip("/"))
    rest = name.removeprefix(old)
    return new + rest if rest != name and rest[:1] in ("", "/") else name


class _Source:
    """Pieces that arrive, as a file that tarfile reads."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._pending = b""

    def read(self, size: int) -> bytes:
        while len(self._pending) < size and (more := next(self._chunks, b"")):
            self._pending += more
        data, self._pending = self._pending[:size], self._pending[size:]
        return data


def _exists(directory: int, name: str) -> bool:
    try:
        os.lstat(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    return True
