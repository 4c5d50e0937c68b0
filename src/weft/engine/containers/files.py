"""Files of containers: copied out and in, exported, compared."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager

from weft.engine.containers.attributes import event_attributes
from weft.engine.contract.container_files import ContainerFiles, Extraction, FileChange, OpenFiles, PathStat
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.engine.sandbox.service import SandboxService
from weft.engine.volume_mounts import VolumeMounts
from weft.model.container import ContainerRecord, Status
from weft.model.errors import Conflict, NotFound


class FileService:
    """Implements weft.api.backend.Files. A container may start and end while its files are read or written."""

    def __init__(
        self,
        inventory: Inventory,
        files: ContainerFiles,
        volume_mounts: VolumeMounts,
        sandboxes: SandboxService,
        locks: Locks,
        events: EventBus,
    ) -> None:
        self._inventory = inventory
        self._files = files
        self._volume_mounts = volume_mounts
        self._sandboxes = sandboxes
        self._locks = locks
        self._events = events

    async def stat(self, reference: str, path: str) -> PathStat:
        """Return what lies at a path, a link itself; NotFound if nothing does."""
        async with self.opened(self._inventory.find_container(reference), whole=True) as files:
            with _missing(reference, path):
                return await files.stat(path)

    @asynccontextmanager
    async def archive(self, reference: str, path: str) -> AsyncIterator[tuple[PathStat, AsyncIterator[bytes]]]:
        """Give what lies at a path, and a tar stream of it; NotFound if nothing does."""
        record = self._inventory.find_container(reference)
        async with self.opened(record, whole=True) as files:
            with _missing(reference, path):
                stat = await files.stat(path)
            self._emit("archive-path", record)
            async with aclosing(files.archive(path, stat)) as chunks:
                yield stat, chunks

    async def extract(self, reference: str, path: str, archive: AsyncIterator[bytes], how: Extraction) -> None:
        """Write a tar stream into a directory; NotFound without it, Forbidden where it is read-only."""
        record = self._inventory.find_container(reference)
        async with self.opened(record, whole=True) as files:
            with _missing(reference, path):
                await files.extract(path, archive, how)
        self._emit("extract-to-dir", record)

    @asynccontextmanager
    async def export(self, reference: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give a tar stream of the whole root, volumes left out; Conflict for what is being removed."""
        record = self._inventory.find_container(reference)
        check_whole(record, "export")
        async with self.opened(record) as files, aclosing(files.export()) as chunks:
            yield chunks
        self._emit("export", record)

    async def changes(self, reference: str) -> tuple[FileChange, ...]:
        """Return what differs from the image, a directory before what is in it."""
        async with self.opened(self._inventory.find_container(reference)) as files:
            return await files.changes()

    @asynccontextmanager
    async def opened(self, record: ContainerRecord, *, whole: bool = False) -> AsyncIterator[OpenFiles]:
        """Open a container's files; its lock is held for that alone."""
        async with self._locks.hold(record.id):
            record = self._inventory.find_container(record.id)
            async with self._volumes_of(record, mounted=whole and not record.state.is_running):
                files = await self._files.open(self._sandboxes.bundle(record), whole=whole)
        try:
            yield files
        finally:
            await files.close()

    @asynccontextmanager
    async def _volumes_of(self, record: ContainerRecord, *, mounted: bool) -> AsyncIterator[None]:
        """Have volumes that are file systems of their own mounted meanwhile: what is open keeps them afterwards."""
        if not mounted:
            yield
            return
        await self._volume_mounts.hold(record)
        try:
            yield
        finally:
            await self._volume_mounts.let_go(record)

    def _emit(self, action: str, record: ContainerRecord) -> None:
        self._events.emit("container", action, record.id, event_attributes(record))


def check_whole(record: ContainerRecord, what: str) -> None:
    """Raise Conflict, in Docker's words, for a container that is dead or on its way out."""
    if record.state.status is Status.DEAD:
        raise Conflict(f"You cannot {what} container {record.id} which is Dead")
    if record.state.status is Status.REMOVING:
        raise Conflict(f"You cannot {what} container {record.id} which is being removed")


@contextmanager
def _missing(reference: str, path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"Could not find the file {path} in container {reference}") from None
