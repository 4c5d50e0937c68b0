"""Volumes <-> JSON (Engine API v1.51 Volume, VolumeCreateOptions)."""

import msgspec

from weft.api.wire.shapes import Answer, Request, Text, TextMap
from weft.api.wire.times import rfc3339_seconds
from weft.model.volume import VolumeRecord


class VolumeCreateRequest(Request, frozen=True, kw_only=True):
    """The body of create."""

    name: Text = None
    driver: Text = None
    driver_opts: TextMap = None
    labels: TextMap = None
    cluster_volume_spec: dict[str, object] | None = None


class VolumeUsage(Answer, frozen=True, kw_only=True):
    """Bytes and number of containers that refer to it."""

    size: int
    ref_count: int


class VolumeAnswer(Answer, frozen=True, kw_only=True):
    """One volume."""

    created_at: str
    driver: str
    labels: dict[str, str] | None
    mountpoint: str
    name: str
    options: dict[str, str] | None
    scope: str
    usage_data: VolumeUsage | msgspec.UnsetType = msgspec.UNSET


class VolumeList(Answer, frozen=True, kw_only=True):
    """GET /volumes."""

    volumes: list[VolumeAnswer]
    warnings: list[str] | None = None


CREATE = msgspec.json.Decoder(VolumeCreateRequest)


def volume_answer(record: VolumeRecord, usage: VolumeUsage | None = None) -> VolumeAnswer:
    """Return what inspect and ls show of a volume."""
    return VolumeAnswer(
        created_at=rfc3339_seconds(record.created),
        driver=record.driver,
        labels=dict(record.labels) or None,
        mountpoint=record.mountpoint,
        name=record.name,
        options=dict(record.options) or None,
        scope="local",
        usage_data=usage or msgspec.UNSET,
    )
