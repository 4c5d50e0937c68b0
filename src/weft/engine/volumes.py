"""Use cases of volumes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from weft.engine.contract.environment import Environment
from weft.engine.contract.records import Delete
from weft.engine.contract.volumes import Volumes as VolumeDirectories
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.label_filters import labels_match
from weft.engine.prune_filters import prune_test
from weft.engine.results import Pruned
from weft.model.container import ContainerRecord
from weft.model.errors import Conflict, InvalidParameter, NotFound, WeftError
from weft.model.ids import CONTAINER_NAME_RULE, is_container_name
from weft.model.volume import VolumeRecord

Filters = Mapping[str, tuple[str, ...]]
_TRUE, _FALSE = ("true", "1"), ("false", "0")


class VolumeService:
    """Volumes of the local driver."""

    def __init__(
        self, inventory: Inventory, directories: VolumeDirectories, events: EventBus, environment: Environment
    ) -> None:
        self._inventory = inventory
        self._directories = directories
        self._events = events
        self._environment = environment

    def find(self, name: str) -> VolumeRecord:
        """Return the volume; NotFound `get X: no such volume`."""
        return self._inventory.find_volume(name)

    def list(self, filters: Filters) -> tuple[VolumeRecord, ...]:
        """Return the volumes that match, by name. Filters: dangling, driver, label, name."""
        unknown = filters.keys() - {"dangling", "driver", "label", "name"}
        if unknown:
            raise InvalidParameter(f"invalid filter '{sorted(unknown)[0]}'")
        found = sorted(self._inventory.volumes.values(), key=lambda record: record.name)
        return tuple(record for record in found if self._matches(record, filters))

    def _matches(self, record: VolumeRecord, filters: Filters) -> bool:
        for key, values in filters.items():
            match key:
                case "dangling" if values:
                    if values[0].lower() not in (*_TRUE, *_FALSE):
                        raise InvalidParameter(f"invalid filter 'dangling={values[0]}'")
                    if (not self.users(record.name)) is not (values[0].lower() in _TRUE):
                        return False
                case "driver" if record.driver not in values:
                    return False
                case "label" if not labels_match(record.labels, values):
                    return False
                case "name" if not any(value in record.name for value in values):
                    return False
        return True

    def users(self, name: str) -> tuple[str, ...]:
        """Return the ids of containers, running or not, that mount the volume."""
        return tuple(
            record.id
            for record in self._inventory.containers.values()
            if any(mount.name == name for mount in record.mounts)
        )

    async def size(self, record: VolumeRecord) -> int:
        """Return the bytes that a volume's files hold."""
        return await self._directories.size(record)

    async def create(
        self, name: str, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> VolumeRecord:
        """Make a volume; one that exists with that name and driver is returned as it is."""
        if driver not in ("", "local"):
            raise NotFound(f'error looking up volume plugin {driver}: plugin "{driver}" not found')
        anonymous = not name
        name = name or self._environment.new_id()
        if not is_container_name(name):
            raise InvalidParameter(
                f'create {name}: "{name}" includes invalid characters for a local volume name, only '
                f'"{CONTAINER_NAME_RULE}" are allowed. If you intended to pass a host directory, use absolute path'
            )
        existing = self._inventory.volumes.get(name)
        if existing is not None:
            return existing
        record = VolumeRecord(
            name=name,
            created=self._environment.now(),
            mountpoint=self._directories.mountpoint(name, options),
            labels=labels,
            options=options,
            anonymous=anonymous,
        )
        self._inventory.save(record)  # before the directory is made: one without a record would be nobody's
        try:
            await self._directories.create(record)
        except WeftError:
            self._forget(name)
            raise
        self._events.emit("volume", "create", name, {"driver": "local"})
        return record

    async def restore(self) -> None:
        """After a start: complete what a crash cut off, a creation not yet answered or a removal."""
        for record in tuple(self._inventory.volumes.values()):
            if self._directories.exists(record):
                continue
            if self.users(record.name):
                await self._directories.create(record)
            else:
                self._forget(record.name)

    def leaving(self, container: ContainerRecord) -> tuple[VolumeRecord, ...]:
        """Return the anonymous volumes of a container, marked as those that its removal takes along."""
        found = (self._inventory.volumes.get(mount.name) for mount in container.mounts)
        return tuple(replace(record, leaving=True) for record in found if record is not None and record.anonymous)

    async def remove_leaving(self, names: Iterable[str] | None = None) -> None:
        """Remove the marked ones of these volumes, or of all; those that another container uses stay, unmarked."""
        for name in tuple(self._inventory.volumes if names is None else names):
            record = self._inventory.volumes.get(name)
            if record is None or not record.leaving:
                continue
            if self.users(name):
                self._inventory.save(replace(record, leaving=False))
            else:
                await self.remove(name, force=True)

    async def remove(self, name: str, *, force: bool) -> None:
        """Remove a volume that no container uses; with `force` a missing one is no error."""
        if force and name not in self._inventory.volumes:
            return
        record = self.find(name)
        users = self.users(name)
        if users:
            raise Conflict(f"remove {name}: volume is in use - [{', '.join(users)}]")
        await self._directories.remove(record)
        self._forget(name)
        self._events.emit("volume", "destroy", name, {"driver": "local"})

    def _forget(self, name: str) -> None:
        self._inventory.commit((Delete(VolumeRecord, name),))

    async def prune(self, filters: Filters) -> Pruned:
        """Remove unused volumes: anonymous ones, or with the filter all=true every one."""
        if "until" in filters:
            raise InvalidParameter("invalid filter 'until'")
        may_go = prune_test(filters, self._environment.now(), also=frozenset({"all"}))
        everything = any(value.lower() in _TRUE for value in filters.get("all", ()))
        deleted: list[str] = []
        reclaimed = 0
        for record in tuple(self._inventory.volumes.values()):
            if self.users(record.name) or not may_go(record.labels, record.created):
                continue
            if record.anonymous or everything:
                size = await self._directories.size(record)
                try:
                    await self.remove(record.name, force=True)
                except WeftError:  # taken into use meanwhile
                    continue
                deleted.append(record.name)
                reclaimed += size
        self._events.emit("volume", "prune", "", {"reclaimed": str(reclaimed)})
        return Pruned(tuple(deleted), reclaimed)
