"""Control group limits and resource limits of a process."""

import os
from collections.abc import Mapping, Sequence
from typing import Final

from weft.model.container import Resources, Ulimit
from weft.model.errors import InvalidParameter
from weft.runtime.open_files import Limits

_DEFAULT_PERIOD: Final = 100_000  # microseconds
_NANO: Final = 1_000_000_000
_UNLIMITED: Final = 2**64 - 1
_ULIMITS: Final = frozenset(
    [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)


def cgroup_limits(resources: Resources, *, limits_swap: bool) -> dict[str, object]:
    """Return the OCI `linux.resources` (memory in bytes, periods in microseconds), without devices.

    InvalidParameter for a block device that is not there.
    """
    parts: Mapping[str, Mapping[str, object]] = {
        "memory": _memory(resources, limits_swap=limits_swap),
        "cpu": _cpu(resources),
        "pids": _pids(resources),
        "blockIO": _block_io(resources),
    }
    return {name: part for name, part in parts.items() if part}


def rlimits(ulimits: Sequence[Ulimit], open_files: Limits | None = None) -> list[dict[str, object]]:
    """Return the OCI `process.rlimits`; InvalidParameter names an unknown limit. -1 is unlimited.

    `open_files` holds where none of `ulimits` is nofile.
    """
    found: list[dict[str, object]] = []
    if open_files is not None and all(limit.name != "nofile" for limit in ulimits):
        found.append({"type": "RLIMIT_NOFILE", "soft": open_files[0], "hard": open_files[1]})
    for limit in ulimits:
        if limit.name not in _ULIMITS:
            raise InvalidParameter(f"invalid ulimit type: {limit.name}")
        soft, hard = limit.soft % (_UNLIMITED + 1), limit.hard % (_UNLIMITED + 1)
        if soft > hard:
            raise InvalidParameter(
                f"ulimit soft limit must be less than or equal to hard limit: {limit.soft} > {limit.hard}"
            )
        found.append({"type": f"RLIMIT_{limit.name.upper()}", "soft": soft, "hard": hard})
    return found


def _memory(resources: Resources, *, limits_swap: bool) -> dict[str, object]:
    memory: dict[str, object] = {}
    if resources.memory > 0:
        memory["limit"] = resources.memory
        if limits_swap:
            # as much swap again, unless said otherwise
            memory["swap"] = resources.memory_swap or 2 * resources.memory
    if resources.memory_reservation > 0:
        memory["reservation"] = resources.memory_reservation
    if resources.memory_swappiness is not None:
        memory["swappiness"] = resources.memory_swappiness
    if resources.oom_kill_disable:
        memory["disableOOMKiller"] = True
    return memory


def _pids(resources: Resources) -> dict[str, object]:
    return {"limit": resources.pids_limit} if resources.pids_limit and resources.pids_limit > 0 else {}


def _cpu(resources: Resources) -> dict[str, object]:
    cpu: dict[str, object] = {}
    if resources.cpu_shares > 0:
        cpu["shares"] = resources.cpu_shares
    if resources.nano_cpus > 0:
        cpu["period"] = _DEFAULT_PERIOD
        cpu["quota"] = resources.nano_cpus * _DEFAULT_PERIOD // _NANO
    if resources.cpu_period > 0:
        cpu["period"] = resources.cpu_period
    if resources.cpu_quota > 0:
        cpu["quota"] = resources.cpu_quota
    if resources.cpu_realtime_period:
        cpu["realtimePeriod"] = resources.cpu_realtime_period
    if resources.cpu_realtime_runtime:
        cpu["realtimeRuntime"] = resources.cpu_realtime_runtime
    if resources.cpuset_cpus:
        cpu["cpus"] = resources.cpuset_cpus
    if resources.cpuset_mems:
        cpu["mems"] = resources.cpuset_mems
    return cpu


def _block_io(resources: Resources) -> dict[str, object]:
    found: dict[str, object] = {"weight": resources.blkio_weight} if resources.blkio_weight else {}
    for name, what, devices in (
        ("weightDevice", "weight", resources.blkio_weight_device),
        ("throttleReadBpsDevice", "rate", resources.blkio_device_read_bps),
        ("throttleWriteBpsDevice", "rate", resources.blkio_device_write_bps),
        ("throttleReadIOPSDevice", "rate", resources.blkio_device_read_iops),
        ("throttleWriteIOPSDevice", "rate", resources.blkio_device_write_iops),
    ):
        if devices:
            found[name] = [{**_number(device.path), what: device.value} for device in devices]
    return found


def _number(path: str) -> dict[str, int]:
    try:
        device = os.stat(path).st_rdev
    except OSError as error:
        raise InvalidParameter(f"stat {path}: {(error.strerror or str(error)).lower()}") from error
    return {"major": os.major(device), "minor": os.minor(device)}
