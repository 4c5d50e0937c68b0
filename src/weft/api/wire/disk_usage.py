"""GET /system/df (Engine API v1.51 SystemDataUsageResponse)."""

from msgspec import UNSET, UnsetType

from weft.api.wire.container_list import ContainerSummary
from weft.api.wire.image import ImageSummary
from weft.api.wire.shapes import Answer
from weft.api.wire.volume import VolumeAnswer


class DiskUsage(Answer, frozen=True, kw_only=True):
    """The whole answer, as far as it was asked for; bytes."""

    layers_size: int | UnsetType = UNSET
    images: list[ImageSummary] | UnsetType = UNSET
    containers: list[ContainerSummary] | UnsetType = UNSET
    volumes: list[VolumeAnswer] | UnsetType = UNSET
    build_cache: list[dict[str, object]] | UnsetType = UNSET
    builder_size: int | UnsetType = UNSET
