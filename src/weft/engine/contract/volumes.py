"""What the engine needs of the volume store."""

from collections.abc import Mapping
from typing import Protocol

from weft.model.volume import VolumeRecord


class Volumes(Protocol):
    """Makes and removes the directories of local volumes; the records are the engine's."""

    async def create(self, name: str, options: Mapping[str, str]) -> str:
        """Make the volume's directory (0755 root); return its path. Options of `local` are refused by name."""
        ...

    async def remove(self, record: VolumeRecord) -> None: ...

    async def size(self, record: VolumeRecord) -> int:
        """Return the bytes it holds."""
        ...
