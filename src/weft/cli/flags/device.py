"""--device, and what limits block devices: texts become what the API takes; ValueError in docker's words."""

import posixpath
import re
from collections.abc import Callable

from weft.cli.flags.size import parse_bytes

Device = dict[str, object]
Parse = Callable[[str], Device]
_ALL = "rwm"
_RULE = re.compile(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}")
_LARGEST = 2**64 - 1


def parse_device(value: str) -> Device:
    """Return the API's DeviceMapping of `host[:container][:permissions]`."""
    parts = value.split(":")
    if len(parts) > 3 or not parts[0]:
        raise ValueError(f"bad format for path: {value}")
    path, permissions = parts[0], _ALL
    if len(parts) == 3:
        path, permissions = parts[1], parts[2]
        if not _is_mode(permissions):
            raise ValueError(f"bad mode specified: {permissions}")
    elif len(parts) == 2 and _is_mode(parts[1]):
        permissions = parts[1]
    elif len(parts) == 2:
        path = parts[1]
    if not path.startswith("/"):
        raise ValueError(f"{path} is not an absolute path")
    return {"PathOnHost": parts[0], "PathInContainer": posixpath.normpath(path), "CgroupPermissions": permissions}


def parse_rule(value: str) -> str:
    """Return a rule of DeviceCgroupRules, `type major:minor permissions`."""
    if not _RULE.fullmatch(value):
        raise ValueError(f"invalid device cgroup format '{value}'")
    return value


def parse_weight(value: str) -> Device:
    """Return the API's WeightDevice of `path:weight`."""
    path, weight = _split(value)
    if not weight.isdecimal() or (int(weight) != 0 and not 10 <= int(weight) <= 1000):
        raise ValueError(f"invalid weight for device: {value}")
    return {"Path": path, "Weight": int(weight)}


def parse_bytes_rate(value: str) -> Device:
    """Return the API's ThrottleDevice of `path:bytes`, with a unit or without."""
    path, rate = _split(value)
    try:
        return {"Path": path, "Rate": parse_bytes(rate)}
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {value}. The correct format is <device-path>:<number>[<unit>]. "
            "Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
        ) from None


def parse_operations_rate(value: str) -> Device:
    """Return the API's ThrottleDevice of `path:operations`."""
    path, rate = _split(value)
    if not rate.isdecimal() or int(rate) > _LARGEST:
        raise ValueError(
            f"invalid rate for device: {value}. The correct format is <device-path>:<number>. "
            "Number must be a positive integer"
        )
    return {"Path": path, "Rate": int(rate)}


def _split(value: str) -> tuple[str, str]:
    path, colon, setting = value.partition(":")
    if not colon or not setting:
        raise ValueError(f"bad format: {value}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {value}")
    return path, setting


def _is_mode(text: str) -> bool:
    return bool(text) and set(text) <= set(_ALL) and len(set(text)) == len(text)
