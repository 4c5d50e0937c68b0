"""Which limits the machine's control groups know (cgroups(7); what dockerd's sysinfo looks for)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from weft.engine.contract.runtime import LimitSupport

# the version 1 file, in a hierarchy's root, whose presence shows it, and the controller of version 2, "" for none
_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "memory": ("memory/memory.limit_in_bytes", "memory"),
    "memory_swap": ("memory/memory.memsw.limit_in_bytes", "memory"),
    "memory_reservation": ("memory/memory.soft_limit_in_bytes", "memory"),
    "memory_swappiness": ("memory/memory.swappiness", ""),
    "oom_kill_disable": ("memory/memory.oom_control", ""),
    "pids_limit": ("pids/cgroup.procs", "pids"),
    "nano_cpus": ("cpu/cpu.cfs_quota_us", "cpu"),
    "cpu_shares": ("cpu/cpu.shares", "cpu"),
    "cpu_period": ("cpu/cpu.cfs_period_us", "cpu"),
    "cpu_quota": ("cpu/cpu.cfs_quota_us", "cpu"),
    "cpu_realtime_period": ("cpu/cpu.rt_period_us", ""),
    "cpu_realtime_runtime": ("cpu/cpu.rt_runtime_us", ""),
    "cpuset_cpus": ("cpuset/cpuset.cpus", "cpuset"),
    "cpuset_mems": ("cpuset/cpuset.mems", "cpuset"),
    "blkio_weight": ("blkio/blkio.weight", "io"),
    "blkio_weight_device": ("blkio/blkio.weight_device", "io"),
    "blkio_device_read_bps": ("blkio/blkio.throttle.read_bps_device", "io"),
    "blkio_device_write_bps": ("blkio/blkio.throttle.write_bps_device", "io"),
    "blkio_device_read_iops": ("blkio/blkio.throttle.read_iops_device", "io"),
    "blkio_device_write_iops": ("blkio/blkio.throttle.write_iops_device", "io"),
}


def limit_support(mount: Path, *, version: int, controllers: frozenset[str], swap: bool) -> LimitSupport:
    """Return what the hierarchies below `mount` offer; `swap` says whether memory and swap are counted together."""
    fields = frozenset(_one(mount) if version == 1 else _two(controllers))
    return LimitSupport(
        fields=fields if swap else fields - {"memory_swap"},
        cpus=_list_of(mount, "cpus"),
        mems=_list_of(mount, "mems"),
    )


def _one(mount: Path) -> Iterator[str]:
    return (field for field, (file, _) in _LIMITS.items() if (mount / file).exists())


def _two(controllers: frozenset[str]) -> Iterator[str]:
    return (field for field, (_, controller) in _LIMITS.items() if controller in controllers)


def _list_of(mount: Path, kind: str) -> str:
    for path in (mount / f"cpuset/cpuset.{kind}", mount / f"cpuset.{kind}.effective"):
        if path.exists():
            return path.read_text().strip()
    return ""
