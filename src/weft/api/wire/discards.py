"""Limits that the machine's control groups do not know: left out with dockerd 28's warnings."""

from collections.abc import Mapping
from dataclasses import replace

from weft.api.wire.host_config import HostConfig
from weft.engine.contract.runtime import LimitSupport
from weft.model.container import Resources

_MISSING = "or the cgroup is not mounted."
_THROTTLES = {
    "blkio_device_read_bps": ("BPS Block I/O read limit", "Block I/O BPS read limit"),
    "blkio_device_write_bps": ("BPS Block I/O write limit", "Block I/O BPS write limit"),
    "blkio_device_read_iops": ("IOPS Block read limit", "Block I/O IOPS read limit"),
    "blkio_device_write_iops": ("IOPS Block write limit", "Block I/O IOPS write limit"),
}
_WARNINGS: Mapping[str, str] = {
    "memory": f"memory limit capabilities {_MISSING} Limitation discarded.",
    "memory_swap": f"swap limit capabilities {_MISSING} Memory limited without swap.",
    "memory_swappiness": f"memory swappiness capabilities {_MISSING} Memory swappiness discarded.",
    "memory_reservation": f"memory soft limit capabilities {_MISSING} Limitation discarded.",
    "oom_kill_disable": "OomKillDisable. OomKillDisable discarded.",
    "pids_limit": f"PIDs limit capabilities {_MISSING} PIDs limit discarded.",
    "nano_cpus": f"CPU CFS scheduler {_MISSING} CPUs discarded.",
    "cpu_shares": f"CPU shares {_MISSING} Shares discarded.",
    "cpu_period": f"CPU CFS scheduler {_MISSING} Period discarded.",
    "cpu_quota": f"CPU CFS scheduler {_MISSING} Quota discarded.",
    "cpuset_cpus": f"cpuset {_MISSING} Cpuset discarded.",
    "cpuset_mems": f"cpuset {_MISSING} Cpuset discarded.",
    "blkio_weight": f"Block I/O weight {_MISSING} Weight discarded.",
    "blkio_weight_device": f"Block I/O weight_device {_MISSING} Weight-device discarded.",
    **{field: f"{what} {_MISSING} {name} discarded." for field, (what, name) in _THROTTLES.items()},
}
_KERNEL_MEMORY = f"kernel memory limit capabilities {_MISSING} Limitation discarded."
_OOM_WITHOUT_LIMIT = (
    "OOM killer is disabled for the container, but no memory limit is set, "
    "this can result in the system running out of resources."
)


def held(limits: Resources, host: HostConfig, support: LimitSupport) -> tuple[Resources, tuple[str, ...]]:
    """Return the limits that the machine can hold to, and a warning for each other one."""
    none = Resources()
    lacking = [field for field in _WARNINGS if field not in support.fields]
    discarded = [field for field in lacking if getattr(limits, field) != getattr(none, field)]
    without = {field: getattr(none, field) for field in discarded}
    if "memory" in discarded or "memory_swap" in discarded:
        without["memory_swap"] = -1
    # nobody need be told of swap that is not limited
    quiet = "memory_swap" if limits.memory_swap == -1 or "memory" in discarded else ""
    warnings = [_WARNINGS[field] for field in discarded if field != quiet]
    if host.kernel_memory or host.kernel_memory_tcp:
        warnings.append(_KERNEL_MEMORY)
    remaining = replace(limits, **without)
    said = [f"Your kernel does not support {warning}" for warning in dict.fromkeys(warnings)]
    if remaining.oom_kill_disable and not remaining.memory:
        said.append(_OOM_WITHOUT_LIMIT)
    return remaining, tuple(said)
