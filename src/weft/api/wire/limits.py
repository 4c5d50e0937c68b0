"""Resources of HostConfig -> Resources, with the bounds that Docker puts on them (Engine API v1.51 Resources)."""

from weft.api.wire.host_config import HostConfig, UlimitConfig
from weft.engine.containers.limits import LimitChange
from weft.model.container import Resources, Ulimit
from weft.model.errors import InvalidParameter

_MINIMUM_MEMORY = 6 * 1024 * 1024  # bytes; less does not start a process
_PERIOD = range(1000, 1_000_001)  # microseconds
_MINIMUM_QUOTA = 1000  # microseconds
_MINIMUM_NANO_CPUS = 10_000_000
_LIMITS = frozenset({"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"}) | frozenset(
    {"nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}
)


def resources(host: HostConfig, cpus: int) -> Resources:
    """Return the limits; `cpus` is how many the machine has. InvalidParameter with Docker's texts out of bounds."""
    memory, swap, reservation = host.memory or 0, host.memory_swap or 0, host.memory_reservation or 0
    _check_memory(memory, swap, reservation)
    _check_cpu(host, cpus)
    pids = host.pids_limit
    return Resources(
        memory=memory,
        memory_swap=swap or (2 * memory),
        memory_reservation=reservation,
        nano_cpus=host.nano_cpus or 0,
        cpu_shares=max(host.cpu_shares or 0, 0),
        cpu_period=host.cpu_period or 0,
        cpu_quota=host.cpu_quota or 0,
        pids_limit=pids if pids is not None and pids > 0 else None,
        ulimits=tuple(_ulimit(limit) for limit in host.ulimits or () if limit is not None),
    )


def limit_change(host: HostConfig, cpus: int) -> LimitChange | None:
    """Return what an update asks of the limits, None where it asks nothing; bounds as for `resources`."""
    memory, swap = host.memory or 0, host.memory_swap or 0
    # without a memory limit in the request, that of the container counts, which the engine knows
    _check_memory(memory, swap if memory else min(swap, 0), host.memory_reservation or 0)
    _check_cpu(host, cpus)
    change = LimitChange(
        memory=memory,
        memory_swap=swap,
        memory_reservation=host.memory_reservation or 0,
        nano_cpus=host.nano_cpus or 0,
        cpu_shares=max(host.cpu_shares or 0, 0),
        cpu_period=host.cpu_period or 0,
        cpu_quota=host.cpu_quota or 0,
        pids_limit=host.pids_limit,
    )
    return change if change != LimitChange() else None


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


def _ulimit(limit: UlimitConfig) -> Ulimit:
    name, soft, hard = limit.name or "", limit.soft or 0, limit.hard or 0
    if name not in _LIMITS:
        raise InvalidParameter(f"invalid ulimit type: {name}")
    if hard != -1 and (soft == -1 or soft > hard):
        raise InvalidParameter(f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")
    return Ulimit(name=name, soft=soft, hard=hard)
