"""What the engine needs of containers' file systems."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from weft.engine.contract.runtime import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStat:
    """One file: `size` in bytes, `mode` as stat(2) has it, `mtime` in nanoseconds since the epoch.

    `link_target` is where a symbolic link leads in the end, "" for anything else.
    """

    name: str
    size: int
    mode: int
    mtime: int
    link_target: str = ""


class ChangeKind(IntEnum):
    """Kinds of changes (Engine API v1.51 ChangeType)."""

    MODIFIED = 0
    ADDED = 1
    DELETED = 2


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happened to one path of the image."""

    kind: ChangeKind
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """How an archive is written: `keep_types` lets no directory take a file's place, nor a file a directory's;
    `own` gives everything to the container's user."""

    keep_types: bool = False
    own: bool = False


class OpenFiles(Protocol):
    """One container's files, as it sees them: volumes and bind mounts at their places.

    FileNotFoundError where a path leads to nothing. Generators that are closed early leave nothing behind.
    """

    async def stat(self, path: str) -> PathStat: ...

    def archive(self, path: str, stat: PathStat) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of what `stat` was answered for."""
        ...

    async def extract(self, path: str, archive: AsyncIterator[bytes], how: Extraction) -> None:
        """Write a tar stream, compressed or not, into a directory; refusals are Docker's."""
        ...

    def export(self) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of the root, without what is mounted in it."""
        ...

    def difference(self) -> AsyncGenerator[bytes, None]:
        """Yield the writable layer as a layer of an image."""
        ...

    async def changes(self) -> tuple[FileChange, ...]:
        """Return what the writable layer changes, a directory before what is in it."""
        ...

    async def close(self) -> None:
        """Let go of it; the last one unmounts it."""
        ...


class ContainerFiles(Protocol):
    """Opens containers' files, running or not. The container must not start or end meanwhile: hold its lock."""

    async def open(self, bundle: Bundle, *, whole: bool) -> OpenFiles:
        """`whole` shows volumes and bind mounts at their places, and makes these where they are missing, as a start
        does; without it there are only `export`, `difference` and `changes`."""
        ...
