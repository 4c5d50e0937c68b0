"""Blkio… of HostConfig -> what Resources has of block devices (Engine API v1.51 Resources)."""

from collections.abc import Iterable
from typing import TypedDict

from weft.api.wire.host_config import HostConfig, ThrottleDevice
from weft.engine.contract.runtime import LimitSupport
from weft.model.container import DeviceLimit
from weft.model.errors import InvalidParameter

_WEIGHTS = range(10, 1001)


class BlockIo(TypedDict):
    """Fields of Resources."""

    blkio_weight: int
    blkio_weight_device: tuple[DeviceLimit, ...]
    blkio_device_read_bps: tuple[DeviceLimit, ...]
    blkio_device_write_bps: tuple[DeviceLimit, ...]
    blkio_device_read_iops: tuple[DeviceLimit, ...]
    blkio_device_write_iops: tuple[DeviceLimit, ...]


def block_io(host: HostConfig, limits: LimitSupport) -> BlockIo:
    """Return the limits; InvalidParameter in Docker's words for a weight out of range."""
    return BlockIo(
        blkio_weight=weight(host, limits),
        blkio_weight_device=tuple(
            _limit(device.path, device.weight) for device in host.blkio_weight_device or () if device is not None
        ),
        blkio_device_read_bps=_rates(host.blkio_device_read_bps),
        blkio_device_write_bps=_rates(host.blkio_device_write_bps),
        blkio_device_read_iops=_rates(host.blkio_device_read_iops),
        blkio_device_write_iops=_rates(host.blkio_device_write_iops),
    )


def weight(host: HostConfig, limits: LimitSupport) -> int:
    """Return the weight, 0 without one; InvalidParameter in Docker's words if it is out of range."""
    wanted = host.blkio_weight or 0
    if wanted and "blkio_weight" in limits.fields and wanted not in _WEIGHTS:
        raise InvalidParameter("Range of blkio weight is from 10 to 1000")
    return wanted


def _rates(devices: Iterable[ThrottleDevice | None] | None) -> tuple[DeviceLimit, ...]:
    return tuple(_limit(device.path, device.rate) for device in devices or () if device is not None)


def _limit(path: str | None, value: int | None) -> DeviceLimit:
    if not (path or "").startswith("/"):
        raise InvalidParameter(f"bad format for device path: {path or ''}")
    if (value or 0) < 0:
        raise InvalidParameter(f"invalid rate for device: {path}: it must not be negative")
    return DeviceLimit(path=path or "", value=value or 0)
