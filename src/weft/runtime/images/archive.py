"""Image archives as `save` writes and `load` reads them: a tar file of JSON documents and layers."""

import posixpath
import shutil
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

from weft.model.errors import InvalidParameter
from weft.runtime.images.compression import CHUNK, Decompressed, compression_of
from weft.runtime.images.workers import Workers

_MEMBER_LIMIT = 65536
_DOCUMENT_LIMIT = 16 * 1024 * 1024  # bytes of one JSON document
_LINK_LIMIT = 8


class Archive:
    """An uncompressed tar file whose members are picked by name. Nothing of it is ever written under its own name."""

    def __init__(self, path: Path) -> None:
        """Read the table of contents; blocks. Raises InvalidParameter if it is no tar file or far too long."""
        self._members: dict[str, tarfile.TarInfo] = {}
        try:
            self._tar = tarfile.open(path, "r:", errorlevel=2)  # noqa: SIM115 - kept open, `close` ends it
        except (tarfile.TarError, EOFError) as error:
            raise InvalidParameter(f"invalid archive: {error}: load reads what save writes") from error
        try:
            for count, member in enumerate(self._tar):
                if count >= _MEMBER_LIMIT:
                    raise InvalidParameter("invalid archive: does not contain a manifest.json")
                self._members[posixpath.normpath(member.name)] = member
        except (tarfile.TarError, EOFError, OSError, RecursionError) as error:
            self._tar.close()
            raise InvalidParameter(f"invalid archive: {error}") from error
        except InvalidParameter:
            self._tar.close()
            raise

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Return the bytes of a member; raises InvalidParameter if there is none."""
        return self._find(name).size

    def document(self, name: str) -> bytes:
        """Return a member whole; raises InvalidParameter if it is missing or too large for a document."""
        member = self._find(name)
        if member.size > _DOCUMENT_LIMIT:
            raise InvalidParameter(f"invalid archive: {name} has {member.size} bytes, too many for a document")
        file = self._tar.extractfile(member)
        return file.read() if file is not None else b""

    def copy_out(self, name: str, target: Path) -> None:
        """Copy a member to a new file; blocks."""
        file = self._tar.extractfile(self._find(name))
        if file is None:
            raise InvalidParameter(f"invalid archive: {name} is not a file")
        with target.open("xb") as output:
            shutil.copyfileobj(file, output, CHUNK)

    def close(self) -> None:
        """Close the file."""
        self._tar.close()

    def _find(self, name: str) -> tarfile.TarInfo:
        """Return the regular file of that name, following the links by which older Dockers shared layers."""
        wanted = posixpath.normpath(name)
        for _ in range(_LINK_LIMIT):
            member = self._members.get(wanted)
            if member is None:
                break
            if member.isreg():
                return member
            if member.issym():
                wanted = posixpath.normpath(posixpath.join(posixpath.dirname(wanted), member.linkname))
            elif member.islnk():
                wanted = posixpath.normpath(member.linkname)
            else:
                break
        raise InvalidParameter(f"invalid archive: {name} is missing or not a file")


async def receive(archive: AsyncIterator[bytes], target: Path, workers: Workers) -> None:
    """Write a stream to a new file, in pieces of a size that disks like."""
    with target.open("xb") as file:
        pending = bytearray()
        async for chunk in archive:
            pending += chunk
            if len(pending) >= CHUNK:
                piece, pending = pending, bytearray()
                await workers.run(lambda piece=piece: file.write(piece))  # type: ignore[misc]
        file.write(pending)


async def decompress(path: Path, target: Path, workers: Workers) -> Path:
    """Return `path` itself if it is not compressed, else `target`, where its content now is."""
    if not compression_of(path):
        return path
    source = Decompressed(path)

    def copy() -> None:
        with target.open("xb") as file:
            for chunk in source.chunks():
                file.write(chunk)

    try:
        await workers.run(copy, source.interrupt)
    finally:
        source.finish()
    path.unlink()
    return target
