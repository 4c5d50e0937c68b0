"""Resources of HostConfig -> Resources, with the bounds that Docker puts on them (Engine API v1.51 Resources)."""

from collections.abc import Iterable
from dataclasses import fields

from weft.api.wire.block_io import block_io, weight
from weft.api.wire.cpusets import check_available
from weft.api.wire.devices import device_mappings, device_rules
from weft.api.wire.discards import held
from weft.api.wire.host_config import HostConfig, UlimitConfig
from weft.api.wire.machine import Machine
from weft.engine.containers.limits import LimitChange
from weft.engine.contract.runtime import LimitSupport
from weft.model.container import Resources, Ulimit
from weft.model.errors import InvalidParameter

_MINIMUM_MEMORY = 6 * 1024 * 1024  # bytes; less does not start a process
_PERIOD = range(1000, 1_000_001)  # microseconds
_MINIMUM_QUOTA = 1000  # microseconds
_MINIMUM_NANO_CPUS = 10_000_000
_LIMITS = frozenset({"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"}) | frozenset(
    {"nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}
)


def resources(host: HostConfig, machine: Machine) -> tuple[Resources, tuple[str, ...]]:
    """Return the limits, and a warning for each that the machine cannot hold to: those are left out.

    InvalidParameter with Docker's texts out of bounds.
    """
    memory, swap, reservation = host.memory or 0, host.memory_swap or 0, host.memory_reservation or 0
    _check_memory(memory, swap, reservation)
    _check_cpu(host, machine.cpus)
    _check_realtime(host, machine.limits)
    check_available(host, machine.limits)
    pids = host.pids_limit
    limits = Resources(
        memory=memory,
        memory_swap=swap or (2 * memory),
        memory_reservation=reservation,
        memory_swappiness=_swappiness(host, machine.limits),
        oom_kill_disable=bool(host.oom_kill_disable),
        nano_cpus=host.nano_cpus or 0,
        cpu_shares=max(host.cpu_shares or 0, 0),
        cpu_period=host.cpu_period or 0,
        cpu_quota=host.cpu_quota or 0,
        cpu_realtime_period=host.cpu_realtime_period or 0,
        cpu_realtime_runtime=host.cpu_realtime_runtime or 0,
        cpuset_cpus=host.cpuset_cpus or "",
        cpuset_mems=host.cpuset_mems or "",
        pids_limit=pids if pids is not None and pids > 0 else None,
        ulimits=ulimits(host.ulimits),
        devices=device_mappings(host.devices),
        device_cgroup_rules=device_rules(host.device_cgroup_rules),
        **block_io(host, machine.limits),
    )
    return held(limits, host, machine.limits)


def ulimits(given: Iterable[UlimitConfig | None] | None) -> tuple[Ulimit, ...]:
    """Return the limits of --ulimit; InvalidParameter for a name or bounds that there are not."""
    return tuple(_ulimit(limit) for limit in given or () if limit is not None)


def limit_change(host: HostConfig, machine: Machine) -> tuple[LimitChange | None, tuple[str, ...]]:
    """Return what an update asks of the limits, None where it asks nothing; bounds and warnings as for `resources`."""
    memory, swap = host.memory or 0, host.memory_swap or 0
    # without a memory limit in the request, that of the container counts, which the engine knows
    _check_memory(memory, swap if memory else min(swap, 0), host.memory_reservation or 0)
    _check_cpu(host, machine.cpus)
    _check_realtime(host, machine.limits)
    check_available(host, machine.limits)
    asked = Resources(
        memory=memory,
        memory_swap=swap,
        memory_reservation=host.memory_reservation or 0,
        nano_cpus=host.nano_cpus or 0,
        cpu_shares=max(host.cpu_shares or 0, 0),
        cpu_period=host.cpu_period or 0,
        cpu_quota=host.cpu_quota or 0,
        cpu_realtime_period=host.cpu_realtime_period or 0,
        cpu_realtime_runtime=host.cpu_realtime_runtime or 0,
        cpuset_cpus=host.cpuset_cpus or "",
        cpuset_mems=host.cpuset_mems or "",
        blkio_weight=weight(host, machine.limits),
        pids_limit=host.pids_limit,
    )
    asked, warnings = held(asked, host, machine.limits)
    change = LimitChange(**{field.name: getattr(asked, field.name) for field in fields(LimitChange)})
    return (change if change != LimitChange() else None), warnings


def _check_memory(memory: int, swap: int, reservation: int) -> None:
    if memory and memory < _MINIMUM_MEMORY:
        raise InvalidParameter("Minimum memory limit allowed is 6MB")
    if memory and 0 < swap < memory:
        raise InvalidParameter("Minimum memoryswap limit should be larger than memory limit, see usage")
    if swap > 0 and not memory:
        raise InvalidParameter("You should always set the Memory limit when using Memoryswap limit, see usage")
    if swap < -1:
        raise InvalidParameter("invalid MemorySwap: use -1 for unlimited swap")
    if reservation and reservation < _MINIMUM_MEMORY:
        raise InvalidParameter("Minimum memory reservation allowed is 6MB")
    if memory and reservation > memory:
        raise InvalidParameter("Minimum memory limit can not be less than memory reservation limit, see usage")


def _check_cpu(host: HostConfig, cpus: int) -> None:
    nano, period, quota = host.nano_cpus or 0, host.cpu_period or 0, host.cpu_quota or 0
    if nano and period:
        raise InvalidParameter("Conflicting options: Nano CPUs and CPU Period cannot both be set")
    if nano and quota:
        raise InvalidParameter("Conflicting options: Nano CPUs and CPU Quota cannot both be set")
    if nano and not _MINIMUM_NANO_CPUS <= nano <= cpus * 1_000_000_000:
        raise InvalidParameter(f"Range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available")
    if period and period not in _PERIOD:
        raise InvalidParameter("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")
    if 0 < quota < _MINIMUM_QUOTA:
        raise InvalidParameter("CPU cfs quota can not be less than 1ms (i.e. 1000)")


def _check_realtime(host: HostConfig, limits: LimitSupport) -> None:
    period, runtime = host.cpu_realtime_period or 0, host.cpu_realtime_runtime or 0
    if (period or runtime) and "cpu_realtime_period" not in limits.fields:
        raise InvalidParameter("Your kernel does not support CPU real-time scheduler")
    if period and runtime > period:
        raise InvalidParameter("cpu real-time runtime cannot be higher than cpu real-time period")


def _swappiness(host: HostConfig, limits: LimitSupport) -> int | None:
    swappiness = host.memory_swappiness
    if swappiness in (None, -1):
        return None
    if "memory_swappiness" in limits.fields and swappiness not in range(101):
        raise InvalidParameter(f"Invalid value: {swappiness}, valid memory swappiness range is 0-100")
    return swappiness


def _ulimit(limit: UlimitConfig) -> Ulimit:
    name, soft, hard = limit.name or "", limit.soft or 0, limit.hard or 0
    if name not in _LIMITS:
        raise InvalidParameter(f"invalid ulimit type: {name}")
    if hard != -1 and (soft == -1 or soft > hard):
        raise InvalidParameter(f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")
    return Ulimit(name=name, soft=soft, hard=hard)
