"""Options of HostConfig that Weft does not have: refused by name unless left at their default."""

from collections.abc import Callable, Mapping

from weft.api.wire.host_config import HostConfig
from weft.model.errors import InvalidParameter, Unimplemented

_UNSET: tuple[object, ...] = (None, 0, "", False, [], {})
_NO_DEVICES = "device access other than Docker's default devices"
_NO_BLKIO = "limits of block device throughput"
_NO_REALTIME = "real-time scheduling"
_NO_CPUSET = "pinning to processors or memory nodes; limit with --cpus instead"
_WINDOWS = "it exists on Windows only"

# attribute -> (the API's name, what is missing)
_UNSUPPORTED: Mapping[str, tuple[str, str]] = {
    "annotations": ("Annotations", "annotations for the OCI runtime; use labels"),
    "blkio_weight": ("BlkioWeight", _NO_BLKIO),
    "blkio_weight_device": ("BlkioWeightDevice", _NO_BLKIO),
    "blkio_device_read_bps": ("BlkioDeviceReadBps", _NO_BLKIO),
    "blkio_device_write_bps": ("BlkioDeviceWriteBps", _NO_BLKIO),
    "blkio_device_read_iops": ("BlkioDeviceReadIOps", _NO_BLKIO),
    "blkio_device_write_iops": ("BlkioDeviceWriteIOps", _NO_BLKIO),
    "cgroup": ("Cgroup", "joining another container's control group"),
    "cpu_count": ("CpuCount", _WINDOWS),
    "cpu_percent": ("CpuPercent", _WINDOWS),
    "cpu_realtime_period": ("CpuRealtimePeriod", _NO_REALTIME),
    "cpu_realtime_runtime": ("CpuRealtimeRuntime", _NO_REALTIME),
    "cpuset_cpus": ("CpusetCpus", _NO_CPUSET),
    "cpuset_mems": ("CpusetMems", _NO_CPUSET),
    "device_cgroup_rules": ("DeviceCgroupRules", _NO_DEVICES),
    "device_requests": ("DeviceRequests", "GPUs and other requested devices"),
    "devices": ("Devices", _NO_DEVICES),
    "io_maximum_bandwidth": ("IOMaximumBandwidth", _WINDOWS),
    "io_maximum_iops": ("IOMaximumIOps", _WINDOWS),
    "kernel_memory": ("KernelMemory", "kernel memory limits, which Linux 5.4 deprecated"),
    "kernel_memory_tcp": ("KernelMemoryTCP", "limits of TCP buffer memory"),
    "oom_kill_disable": ("OomKillDisable", "switching the OOM killer off"),
    "oom_score_adj": ("OomScoreAdj", "adjusting the OOM score"),
    "storage_opt": ("StorageOpt", "storage options per container"),
}


def refuse_unsupported(host: HostConfig, *, default_cgroupns: str, runtimes: frozenset[str]) -> None:
    """Raise Unimplemented naming the first option that Weft lacks, or InvalidParameter for a value that no engine has.

    `default_cgroupns` is what the machine's cgroup version gives containers; `runtimes` are the names that start one.
    """
    _check_ranges(host)
    for attribute, (name, missing) in _UNSUPPORTED.items():
        if getattr(host, attribute) not in _UNSET:
            raise Unimplemented(f"HostConfig.{name} is not supported: Weft does not have {missing}")
    if host.memory_swappiness not in (None, -1):
        raise Unimplemented("HostConfig.MemorySwappiness is not supported: Weft does not set swappiness per container")
    for check in _CHECKS:
        check(host)
    _check_cgroupns(host.cgroupns_mode or "", default_cgroupns)
    if host.runtime and host.runtime not in runtimes:
        raise InvalidParameter(f"unknown or invalid runtime name: {host.runtime}")


def _check_ranges(host: HostConfig) -> None:
    adjustment = host.oom_score_adj or 0
    if not -1000 <= adjustment <= 1000:
        raise InvalidParameter(f"Invalid value {adjustment}, range for oom score adj is [-1000, 1000]")


def _check_cgroupns(mode: str, default: str) -> None:
    if mode not in ("", "host", "private"):
        raise InvalidParameter(f"invalid cgroup namespace mode: {mode}")
    if mode not in ("", default):
        raise Unimplemented(f"HostConfig.CgroupnsMode {mode} is not supported on this machine: use {default}")


def _check_userns(host: HostConfig) -> None:
    if host.userns_mode not in (None, "", "host"):
        raise Unimplemented(f"HostConfig.UsernsMode {host.userns_mode} is not supported: Weft has no user namespaces")


def _check_isolation(host: HostConfig) -> None:
    if (host.isolation or "default") != "default":
        raise InvalidParameter(f"invalid isolation: \"{host.isolation}\" - linux only supports 'default'")


def _check_volume_driver(host: HostConfig) -> None:
    driver = host.volume_driver or "local"
    if driver != "local":
        raise InvalidParameter(f'error looking up volume plugin {driver}: plugin "{driver}" not found')


_CHECKS: tuple[Callable[[HostConfig], None], ...] = (_check_userns, _check_isolation, _check_volume_driver)
