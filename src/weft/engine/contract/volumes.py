"""What the engine needs of the volume store."""

from collections.abc import Mapping
from typing import Protocol

from weft.model.volume import VolumeRecord


class Volumes(Protocol):
    """Makes and removes the directories of local volumes; the records are the engine's."""

    def mountpoint(self, name: str, options: Mapping[str, str]) -> str:
        """Return where the volume's directory is to be; InvalidParameter names an option that `local` lacks."""
        ...

    async def create(self, record: VolumeRecord) -> None:
        """Make the volume's directory (0755 root), or find it there."""
        ...

    def exists(self, record: VolumeRecord) -> bool:
        """Whether its directory is there."""
        ...

    async def mount(self, record: VolumeRecord) -> None:
        """Mount what a volume's options say on its directory, if it is not; SystemFailure with the reason."""
        ...

    async def unmount(self, record: VolumeRecord) -> None:
        """Unmount it; one that is not mounted is no error. Files that are open stay until they are closed."""
        ...

    async def remove(self, record: VolumeRecord) -> None: ...

    async def size(self, record: VolumeRecord) -> int:
        """Return the bytes it holds."""
        ...
