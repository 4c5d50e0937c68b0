"""What the engine and the API need of the image store."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from weft.model.image import ImageConfig, ImageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of a pull, push, load or import (Engine API JSONMessage). `current` and `total` in bytes, 0 unknown."""

    status: str = ""
    id: str = ""
    current: int = 0
    total: int = 0
    stream: str = ""
    error: str = ""
    row: bool = False  # one of the lines that `id` shows in a row of its own: the API sends progressDetail, even empty
    aux: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Registry credentials; never logged."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    server: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What a commit writes down; `created_by` is the container's command line."""

    config: ImageConfig
    created_by: str = ""
    author: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What a registry has under a name; `size` in bytes is the manifest's.

    Platforms are (os, architecture, variant).
    """

    digest: str
    media_type: str
    size: int
    platforms: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Deletion:
    """What `image rm` did, in order: ("Untagged", reference) or ("Deleted", id)."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class ImageUse:
    """A container that stands on an image; `layers` are the diff ids it needs, even when the image itself is gone."""

    container_id: str
    running: bool
    layers: tuple[str, ...] = ()


InUse = Mapping[str, tuple[ImageUse, ...]]  # image id -> its containers, stopped ones too


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

    async def remove(self, reference: str, *, force: bool, prune: bool, in_use: InUse) -> tuple[Deletion, ...]:
        """Untag or delete, as Docker decides; Conflict with Docker's texts.

        `in_use` names all containers that exist: their layers stay on disk.
        """
        ...

    async def prune(
        self, *, dangling: bool, in_use: InUse, until: int, labels: tuple[str, ...], without: tuple[str, ...]
    ) -> tuple[tuple[Deletion, ...], int]:
        """Remove unused images; return what was done and the bytes reclaimed.

        `until` in nanoseconds since the epoch, 0 for all; labels are `key` or `key=value`.
        """
        ...

    async def collect(self, in_use: InUse) -> None:
        """Delete layers that neither an image nor a container names: once after a start."""
        ...

    def pull(
        self, reference: str, credentials: Credentials | None, platform: str, *, all_tags: bool = False
    ) -> AsyncGenerator[Progress, None]:
        """Fetch an image, `latest` without a tag, or with `all_tags` every image of the repository.

        The stream that is closed early leaves nothing half-made.
        """
        ...

    def push(self, reference: str, credentials: Credentials | None) -> AsyncGenerator[Progress, None]:
        """Send an image to its registry; without a tag every tag of the repository."""
        ...

    async def distribution(self, reference: str, credentials: Credentials | None) -> Distribution:
        """Ask the registry what it has under a name, `latest` without a tag; NotFound in its words."""
        ...

    async def verify_credentials(self, credentials: Credentials) -> str:
        """Log in to the registry and return Docker's `Login Succeeded`; Unauthorized with the registry's reason."""
        ...

    def load(self, archive: AsyncIterator[bytes], *, quiet: bool) -> AsyncGenerator[Progress, None]: ...

    def save(self, references: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
        """Yield a docker-archive (with an OCI index beside it)."""
        ...

    def import_(
        self,
        archive: AsyncIterator[bytes],
        *,
        repository: str,
        tag: str,
        message: str,
        changes: tuple[str, ...],
        platform: str = "",
    ) -> AsyncGenerator[Progress, None]:
        """Make a one-layer image of a root file system's tar."""
        ...

    def changed_config(self, config: ImageConfig, changes: tuple[str, ...]) -> ImageConfig:
        """Return the configuration with Dockerfile instructions applied; InvalidParameter for a malformed one."""
        ...

    def commit_name(self, repository: str, tag: str) -> str:
        """Return the familiar name that a commit gets, "" for none; InvalidParameter in Docker's words."""
        ...

    async def commit(self, parent: str, layer: AsyncIterator[bytes], commit: Commit) -> ImageRecord:
        """Make an image of `parent`'s layers and one more, a tar stream; it has no name yet."""
        ...

    def layer_directories(self, diff_ids: tuple[str, ...]) -> tuple[str, ...]:
        """Return the unpacked layers' directories, lowest first; SystemFailure if one is not there."""
        ...

    def layer_paths(self, image_id: str) -> tuple[str, ...]:
        """Return the unpacked layers' directories, lowest first."""
        ...
