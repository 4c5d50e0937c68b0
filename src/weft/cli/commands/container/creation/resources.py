"""Limits and devices: those that `weft update` changes as well, and those of new containers alone."""

from __future__ import annotations

from weft.cli.flags import device
from weft.cli.flags.flag import Flag, many, number, parse_int, switch, text, unsigned
from weft.cli.flags.limit import parse_ulimit
from weft.cli.flags.parser import Options
from weft.cli.flags.size import parse_bytes, parse_cpus, parse_swap
from weft.client.session import Json


def _size(name: str, usage: str, *, short: str = "") -> Flag:
    return Flag(name, usage, short=short, kind="bytes", parse=parse_bytes, default=0)


def _devices(name: str, usage: str, parse: device.Parse) -> Flag:
    return many(name, usage, parse=parse, default_text="[]")


def limit_flags(swap: str, real_time: str) -> tuple[Flag, ...]:
    """Return the flags of limits that can change; help words two of them one way here, another there."""
    return (
        unsigned("blkio-weight", "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)", 16),
        number("cpu-period", "Limit CPU CFS (Completely Fair Scheduler) period"),
        number("cpu-quota", "Limit CPU CFS (Completely Fair Scheduler) quota"),
        number("cpu-rt-period", f"Limit {real_time} period in microseconds"),
        number("cpu-rt-runtime", f"Limit {real_time} runtime in microseconds"),
        number("cpu-shares", "CPU shares (relative weight)", short="c"),
        Flag("cpus", "Number of CPUs", kind="decimal", parse=parse_cpus, default=0),
        text("cpuset-cpus", "CPUs in which to allow execution (0-3, 0,1)"),
        text("cpuset-mems", "MEMs in which to allow execution (0-3, 0,1)"),
        _size("memory", "Memory limit", short="m"),
        _size("memory-reservation", "Memory soft limit"),
        Flag("memory-swap", swap, kind="bytes", parse=parse_swap, default=0),
        Flag("pids-limit", "Tune container pids limit (set -1 for unlimited)", kind="int", parse=parse_int, default=0),
    )


RESOURCES = (
    *limit_flags("Swap limit equal to memory plus swap: '-1' to enable unlimited swap", "CPU real-time"),
    text("cgroup-parent", "Optional parent cgroup for the container"),
    many("device", "Add a host device to the container", parse=device.parse_device),
    many("device-cgroup-rule", "Add a rule to the cgroup allowed devices list", parse=device.parse_rule),
    _devices("blkio-weight-device", "Block IO weight (relative device weight)", device.parse_weight),
    _devices("device-read-bps", "Limit read rate (bytes per second) from a device", device.parse_bytes_rate),
    _devices("device-read-iops", "Limit read rate (IO per second) from a device", device.parse_operations_rate),
    _devices("device-write-bps", "Limit write rate (bytes per second) to a device", device.parse_bytes_rate),
    _devices("device-write-iops", "Limit write rate (IO per second) to a device", device.parse_operations_rate),
    number("memory-swappiness", "Tune container memory swappiness (0 to 100)", default=-1),
    switch("oom-kill-disable", "Disable OOM Killer"),
    number("oom-score-adj", "Tune host's OOM preferences (-1000 to 1000)"),
    _size("shm-size", "Size of /dev/shm"),
    many("ulimit", "Ulimit options", kind="ulimit", parse=parse_ulimit, default_text="[]"),
)


def limits(options: Options) -> Json:
    """Return the part of HostConfig that can change."""
    return {
        "BlkioWeight": options.number("blkio-weight"),
        "CpuPeriod": options.number("cpu-period"),
        "CpuQuota": options.number("cpu-quota"),
        "CpuRealtimePeriod": options.number("cpu-rt-period"),
        "CpuRealtimeRuntime": options.number("cpu-rt-runtime"),
        "CpuShares": options.number("cpu-shares"),
        "CpusetCpus": options.text("cpuset-cpus"),
        "CpusetMems": options.text("cpuset-mems"),
        "NanoCpus": options.number("cpus"),
        "Memory": options.number("memory"),
        "MemoryReservation": options.number("memory-reservation"),
        "MemorySwap": options.number("memory-swap"),
        "PidsLimit": options.number("pids-limit"),
    }


def resources(options: Options) -> Json:
    """Return the part of HostConfig that limits a new container and gives it devices."""
    document: Json = {
        **limits(options),
        "BlkioDeviceReadBps": options.values("device-read-bps"),
        "BlkioDeviceReadIOps": options.values("device-read-iops"),
        "BlkioDeviceWriteBps": options.values("device-write-bps"),
        "BlkioDeviceWriteIOps": options.values("device-write-iops"),
        "BlkioWeightDevice": options.values("blkio-weight-device"),
        "CgroupParent": options.text("cgroup-parent"),
        "DeviceCgroupRules": options.texts("device-cgroup-rule"),
        "Devices": options.values("device"),
        "OomKillDisable": options.on("oom-kill-disable"),
        "OomScoreAdj": options.number("oom-score-adj"),
        "ShmSize": options.number("shm-size"),
        "Ulimits": options.values("ulimit"),
    }
    if options.number("memory-swappiness") != -1:
        document["MemorySwappiness"] = options.number("memory-swappiness")
    return document
