"""ImageRecord -> GET /images/json and /images/{name}/json (Engine API v1.51 ImageSummary, ImageInspect)."""

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import UNSET, UnsetType, field

from weft.api.version import Version
from weft.api.wire.image_config import ImageConfigAnswer, image_config
from weft.api.wire.shapes import Answer
from weft.api.wire.times import rfc3339
from weft.model.image import ImageConfig, ImageRecord

_VIRTUAL_SIZE_UNTIL = Version(1, 44)
_CONTAINER_UNTIL = Version(1, 45)
_DANGLING_NAMES_UNTIL = Version(1, 43)
_NO_NAME = ["<none>:<none>"]
_NO_DIGEST = ["<none>@<none>"]


class ImageSummary(Answer, frozen=True, kw_only=True):
    """One line of `images`; sizes in bytes, -1 not calculated."""

    containers: int
    created: int
    id: str
    labels: Mapping[str, str] | None
    parent_id: str = ""
    repo_digests: list[str]
    repo_tags: list[str]
    shared_size: int
    size: int
    virtual_size: int | UnsetType = UNSET


class RootFs(Answer, frozen=True, kw_only=True):
    """RootFS."""

    type: str = "layers"
    layers: tuple[str, ...]


class ImageGraphDriver(Answer, frozen=True, kw_only=True):
    """GraphDriver."""

    data: Mapping[str, str] | None
    name: str = "overlay2"


class Metadata(Answer, frozen=True, kw_only=True):
    """Metadata."""

    last_tag_time: str


class ImageInspect(Answer, frozen=True, kw_only=True):
    """The whole answer."""

    id: str
    repo_tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    parent: str = ""
    comment: str
    created: str
    container: str | UnsetType = UNSET
    container_config: ImageConfigAnswer  # ended with 1.44, but Compose 1.29 wants it of every version
    docker_version: str = ""
    author: str
    config: ImageConfigAnswer
    architecture: str
    variant: str | UnsetType = UNSET
    os: str
    size: int
    virtual_size: int | UnsetType = UNSET
    graph_driver: ImageGraphDriver
    root_fs: RootFs = field(name="RootFS")
    metadata: Metadata


def image_summary(
    record: ImageRecord, version: Version, *, containers: int = -1, shared_size: int = -1
) -> ImageSummary:
    """Return one line."""
    dangling = version < _DANGLING_NAMES_UNTIL
    return ImageSummary(
        containers=containers,
        created=_unix(record.created),
        id=record.id,
        labels=record.config.labels or None,
        repo_digests=list(record.digests) or (list(_NO_DIGEST) if dangling and not record.tags else []),
        repo_tags=list(record.tags) or (list(_NO_NAME) if dangling else []),
        shared_size=shared_size,
        size=record.size,
        virtual_size=record.size if version < _VIRTUAL_SIZE_UNTIL else UNSET,
    )


def image_inspect(record: ImageRecord, version: Version, layer_paths: tuple[str, ...] = ()) -> ImageInspect:
    """Return the answer in the shape of that version; `layer_paths` are the unpacked layers, lowest first."""
    return ImageInspect(
        id=record.id,
        repo_tags=record.tags,
        repo_digests=record.digests,
        comment=record.comment,
        created=record.created,
        container="" if version < _CONTAINER_UNTIL else UNSET,
        container_config=image_config(ImageConfig(), version),
        author=record.author,
        config=image_config(record.config, version),
        architecture=record.architecture,
        variant=record.variant or UNSET,
        os=record.os,
        size=record.size,
        virtual_size=record.size if version < _VIRTUAL_SIZE_UNTIL else UNSET,
        graph_driver=ImageGraphDriver(data=_layer_data(layer_paths)),
        root_fs=RootFs(layers=record.layers),
        metadata=Metadata(last_tag_time=rfc3339(record.tagged)),
    )


def _layer_data(paths: tuple[str, ...]) -> Mapping[str, str] | None:
    if not paths:
        return None
    lower = {"LowerDir": ":".join(reversed(paths[:-1]))} if len(paths) > 1 else {}
    return {**lower, "UpperDir": paths[-1]}


def _unix(created: str) -> int:
    try:
        date = datetime.fromisoformat(created)
    except ValueError:
        return 0
    return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
