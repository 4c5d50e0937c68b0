"""Files of containers in memory: paths to contents, directories ending with a slash."""

import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fake_containers import FakeContainers

from weft.engine.containers.commit import CommitRequest
from weft.engine.contract.container_files import ChangeKind, Extraction, FileChange, PathStat
from weft.model.errors import Forbidden, InvalidParameter, NotFound


class FakeFiles:
    """Implements weft.api.backend.Files; every container has the same files."""

    def __init__(self, containers: FakeContainers) -> None:
        self._containers = containers
        self.files: dict[str, bytes] = {"/etc/": b"", "/etc/passwd": b"root:x:0:0\n", "/etc/latin-\udce9": b""}
        self.read_only: set[str] = set()
        self.extractions: list[tuple[str, Extraction]] = []

    async def stat(self, reference: str, path: str) -> PathStat:
        self._containers.find(reference)
        for found in (path, path.rstrip("/") + "/"):
            if found in self.files:
                mode = 0o040755 if found.endswith("/") else 0o100644
                name = found.rstrip("/").rpartition("/")[2]
                return PathStat(name=name, size=len(self.files[found]), mode=mode, mtime=1_500_000_000)
        raise NotFound(f"Could not find the file {path} in container {reference}")

    @asynccontextmanager
    async def archive(self, reference: str, path: str) -> AsyncIterator[tuple[PathStat, AsyncIterator[bytes]]]:
        stat = await self.stat(reference, path)

        async def chunks() -> AsyncIterator[bytes]:
            yield b"tar of "
            yield stat.name.encode()

        yield stat, chunks()

    async def extract(self, reference: str, path: str, archive: AsyncIterator[bytes], how: Extraction) -> None:
        stat = await self.stat(reference, path)
        if not stat.mode & 0o040000:
            raise InvalidParameter("extraction point is not a directory")
        if path in self.read_only:
            raise Forbidden("container rootfs is marked read-only")
        data = b"".join([piece async for piece in archive])
        with tarfile.open(fileobj=io.BytesIO(data)) as opened:
            for member in opened:
                source = opened.extractfile(member)
                self.files[f"{path.rstrip('/')}/{member.name}"] = source.read() if source else b""
        self.extractions.append((path, how))

    @asynccontextmanager
    async def export(self, reference: str) -> AsyncIterator[AsyncIterator[bytes]]:
        self._containers.find(reference)

        async def chunks() -> AsyncIterator[bytes]:
            for content in self.files.values():
                yield content

        yield chunks()

    async def changes(self, reference: str) -> tuple[FileChange, ...]:
        self._containers.find(reference)
        changed = (FileChange(ChangeKind.MODIFIED, "/etc"), FileChange(ChangeKind.ADDED, "/etc/latin-\udce9"))
        return changed if "/etc/passwd" in self.files else ()


class FakeCommits:
    """Implements weft.api.backend.Commits."""

    def __init__(self, containers: FakeContainers) -> None:
        self._containers = containers
        self.requests: list[tuple[str, CommitRequest]] = []

    async def commit(self, reference: str, request: CommitRequest) -> str:
        record = self._containers.find(reference)
        if request.repository != request.repository.lower():
            raise InvalidParameter(f"repository name ({request.repository}) must be lowercase")
        self.requests.append((record.name, request))
        return "sha256:" + "c" * 64
