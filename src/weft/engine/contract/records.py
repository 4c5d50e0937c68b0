"""What the engine needs of the store."""

from dataclasses import dataclass
from typing import Protocol

from weft.model.container import ContainerRecord
from weft.model.image import ImageRecord
from weft.model.network import NetworkRecord, TakenPool
from weft.model.volume import VolumeRecord

Record = ContainerRecord | NetworkRecord | VolumeRecord | ImageRecord | TakenPool


@dataclass(frozen=True, slots=True)
class Put:
    """Write a record, new or replaced; its key is its id (a volume's is its name)."""

    record: Record


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the record of that type and key; one that is not there is no error."""

    type: type[Record]
    key: str


Change = Put | Delete


class Store(Protocol):
    """Keeps records over crashes. Reads happen once, at start; SystemFailure if the file cannot be used."""

    def load(self) -> tuple[Record, ...]: ...

    def commit(self, *changes: Change) -> None:
        """Write all changes in one transaction, durable over a crash of the daemon when this returns."""
        ...
