"""The engine's records in memory: found by id, name or prefix, written to the store before they count."""

from collections.abc import Iterable, Iterator

from weft.engine.contract.records import Change, Delete, Put, Record, Store
from weft.model.container import ContainerRecord
from weft.model.errors import InvalidParameter, NotFound
from weft.model.network import NetworkRecord, TakenPool
from weft.model.volume import VolumeRecord


class Inventory:
    """One snapshot of containers, networks and volumes; replaced record by record."""

    def __init__(self, store: Store, records: Iterable[Record]) -> None:
        self._store = store
        self.containers: dict[str, ContainerRecord] = {}
        self.networks: dict[str, NetworkRecord] = {}
        self.volumes: dict[str, VolumeRecord] = {}
        self.taken_pools: dict[str, TakenPool] = {}
        self._container_names: dict[str, str] = {}
        self.linkers: dict[str, set[str]] = {}  # container -> containers with a legacy link to it
        for record in records:
            self._keep(record)

    def save(self, *records: ContainerRecord | NetworkRecord | VolumeRecord | TakenPool) -> None:
        """Write records, new or changed, in one transaction."""
        self.commit(tuple(Put(record) for record in records))

    def commit(self, changes: tuple[Change, ...]) -> None:
        """Write changes in one transaction, then make them visible."""
        self._store.commit(*changes)
        for change in changes:
            if isinstance(change, Put):
                self._keep(change.record)
            else:
                self._drop(change)

    def _keep(self, record: Record) -> None:
        if isinstance(record, ContainerRecord):
            former = self.containers.get(record.id)
            if former is not None and former.name != record.name:
                self._container_names.pop(former.name, None)
            if former is None or former.spec is not record.spec:
                self._drop_links(former)
                for target, _ in link_targets(record):
                    self.linkers.setdefault(target, set()).add(record.id)
            self.containers[record.id] = record
            self._container_names[record.name] = record.id
        elif isinstance(record, NetworkRecord):
            self.networks[record.id] = record
        elif isinstance(record, VolumeRecord):
            self.volumes[record.name] = record
        elif isinstance(record, TakenPool):
            self.taken_pools[record.id] = record

    def _drop_links(self, record: ContainerRecord | None) -> None:
        for target, _ in link_targets(record) if record is not None else ():
            linkers = self.linkers.get(target, set())
            linkers.discard(record.id if record is not None else "")
            if not linkers:
                self.linkers.pop(target, None)

    def _drop(self, change: Delete) -> None:
        if change.type is ContainerRecord:
            record = self.containers.pop(change.key, None)
            self._drop_links(record)
            if record is not None and self._container_names.get(record.name) == record.id:
                del self._container_names[record.name]
        elif change.type is NetworkRecord:
            self.networks.pop(change.key, None)
        elif change.type is VolumeRecord:
            self.volumes.pop(change.key, None)
        elif change.type is TakenPool:
            self.taken_pools.pop(change.key, None)

    def container_named(self, name: str) -> ContainerRecord | None:
        """Return the container of exactly that name, or None."""
        container_id = self._container_names.get(name)
        return self.containers.get(container_id) if container_id else None

    def find_container(self, reference: str) -> ContainerRecord:
        """Return a container by id, name (with or without a leading slash), a legacy link's name (`other/alias`) or
        unambiguous id prefix.
        """
        found = self.containers.get(reference) or self.container_named(reference.removeprefix("/"))
        found = found or self._linked(reference)
        if found is not None:
            return found
        matches = [record for key, record in self.containers.items() if reference and key.startswith(reference)]
        if len(matches) > 1:
            raise InvalidParameter(f"multiple IDs found with provided prefix: {reference}")
        if not matches:
            raise NotFound(f"No such container: {reference}")
        return matches[0]

    def _linked(self, reference: str) -> ContainerRecord | None:
        linker, _, alias = reference.strip("/").rpartition("/")
        record = self.container_named(linker) if linker else None
        targets = link_targets(record) if record is not None else ()
        return next((self.containers.get(target) for target, name in targets if name == alias), None)

    def network_named(self, name: str) -> NetworkRecord | None:
        """Return the network of exactly that name, or None."""
        return next((record for record in self.networks.values() if record.name == name), None)

    def find_network(self, reference: str) -> NetworkRecord:
        """Return a network by whole id, exact name or unambiguous id prefix, in that order."""
        found = self.networks.get(reference) or self.network_named(reference)
        if found is not None:
            return found
        matches = [record for key, record in self.networks.items() if reference and key.startswith(reference)]
        if len(matches) > 1:
            raise InvalidParameter(
                f"network {reference} is ambiguous ({len(matches)} matches found based on ID prefix)"
            )
        if not matches:
            raise NotFound(f"network {reference} not found")
        return matches[0]

    def find_volume(self, name: str) -> VolumeRecord:
        """Return the volume of exactly that name."""
        if name not in self.volumes:
            raise NotFound(f"get {name}: no such volume")
        return self.volumes[name]

    def containers_on(self, network_id: str) -> Iterator[ContainerRecord]:
        """Yield the containers attached to a network, running or not."""
        for record in self.containers.values():
            if record.attachment_to(network_id) is not None:
                yield record


def link_targets(record: ContainerRecord) -> tuple[tuple[str, str], ...]:
    """Return a container's legacy links as (id, alias); once made, a container's links name ids."""
    pairs = (link.partition(":") for link in record.spec.networking.links)
    return tuple((target, alias) for target, _, alias in pairs)
