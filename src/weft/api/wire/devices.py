"""Devices and DeviceCgroupRules of HostConfig, and DeviceRequests, which there is no driver for."""

import re
from collections.abc import Iterable

from weft.api.wire.host_config import DeviceConfig, DeviceRequest
from weft.model.container import DeviceMapping
from weft.model.errors import InvalidParameter

_RULE = re.compile(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}")
_ALL = "rwm"


def device_mappings(devices: Iterable[DeviceConfig | None] | None) -> tuple[DeviceMapping, ...]:
    """Return the devices; InvalidParameter for permissions other than of r, w and m, and for relative paths."""
    return tuple(_mapping(device) for device in devices or () if device is not None)


def device_rules(rules: Iterable[str] | None) -> tuple[str, ...]:
    """Return the rules, `type major:minor permissions`; InvalidParameter, in Docker's words, for another form."""
    for rule in rules or ():
        if not _RULE.fullmatch(rule):
            raise InvalidParameter(f"invalid device cgroup rule format: '{rule}'")
    return tuple(rules or ())


def refuse_device_requests(requests: Iterable[DeviceRequest | None] | None) -> None:
    """Raise InvalidParameter, in Docker's words, for the first request: no driver here takes any."""
    for request in requests or ():
        if request is not None:
            driver = request.driver or ""
            sets = " ".join(f"[{' '.join(words or ())}]" for words in request.capabilities or ())
            remedy = "; Weft injects no devices by CDI, use --device" if driver == "cdi" else ""
            raise InvalidParameter(f'could not select device driver "{driver}" with capabilities: [{sets}]{remedy}')


def _mapping(device: DeviceConfig) -> DeviceMapping:
    host, permissions = device.path_on_host or "", device.cgroup_permissions or _ALL
    path = device.path_in_container or host
    for each in (host, path):
        if not each.startswith("/"):
            raise InvalidParameter(f"invalid device path '{each}': it must be absolute")
    if not set(permissions) <= set(_ALL) or len(set(permissions)) < len(permissions):
        raise InvalidParameter(f"invalid device mode: {permissions}")
    return DeviceMapping(host_path=host, path=path, permissions=permissions)
