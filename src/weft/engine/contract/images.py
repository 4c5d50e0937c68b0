"""What the engine and the API need of the image store."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from weft.model.image import ImageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of a pull, push, load or import (Engine API JSONMessage). `current` and `total` in bytes, 0 unknown."""

    status: str = ""
    id: str = ""
    current: int = 0
    total: int = 0
    stream: str = ""
    error: str = ""
    aux: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Registry credentials; never logged."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    server: str = ""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What `image rm` did, in order: ("Untagged", reference) or ("Deleted", id)."""

    kind: str
    name: str


class Images(Protocol):
    """Stored images. References are looked up as Docker does: id, id prefix, familiar name, digest."""

    def list(self) -> tuple[ImageRecord, ...]: ...

    def find(self, reference: str) -> ImageRecord:
        """Return the image; raises NotFound `No such image: X` (with the tag, as Docker words it)."""
        ...

    async def ensure_builtin(self, reference: str) -> bool:
        """Make the built-in image if `reference` names it and it is not stored; return whether it is there now."""
        ...

    async def history(self, reference: str) -> tuple[dict[str, object], ...]: ...

    async def tag(self, source: str, repository: str, tag: str) -> ImageRecord: ...

    async def remove(self, reference: str, *, force: bool, prune: bool, in_use: frozenset[str]) -> tuple[Deletion, ...]:
        """Untag or delete; `in_use` are ids of images that containers use."""
        ...

    async def prune(
        self, *, dangling: bool, in_use: frozenset[str], until: int, labels: tuple[str, ...], without: tuple[str, ...]
    ) -> tuple[tuple[Deletion, ...], int]:
        """Remove unused images; return what was done and the bytes reclaimed."""
        ...

    def pull(self, reference: str, credentials: Credentials | None, platform: str) -> AsyncIterator[Progress]: ...

    def push(self, reference: str, credentials: Credentials | None) -> AsyncIterator[Progress]: ...

    def load(self, archive: AsyncIterator[bytes], *, quiet: bool) -> AsyncIterator[Progress]: ...

    def save(self, references: tuple[str, ...]) -> AsyncIterator[bytes]:
        """Yield a docker-archive (with an OCI index beside it)."""
        ...

    def import_(
        self, archive: AsyncIterator[bytes], *, repository: str, tag: str, message: str, changes: tuple[str, ...]
    ) -> AsyncIterator[Progress]:
        """Make a one-layer image of a root file system's tar."""
        ...

    def layer_paths(self, image_id: str) -> tuple[str, ...]:
        """Return the unpacked layers' directories, lowest first."""
        ...
