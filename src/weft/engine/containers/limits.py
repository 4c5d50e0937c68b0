"""Limits of a container that exists, changed with Docker's rules (Engine API v1.51 ContainerUpdate); pure."""

from dataclasses import dataclass, replace

from weft.model.container import Resources
from weft.model.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """What is asked for; 0 or "" leaves a limit as it is. `pids_limit` None leaves it, and less than 1 lifts it."""

    memory: int = 0
    memory_swap: int = 0
    memory_reservation: int = 0
    nano_cpus: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    blkio_weight: int = 0
    pids_limit: int | None = None


def changed(present: Resources, change: LimitChange) -> Resources:
    """Return the limits after a change. Conflict, in Docker's words, where it does not go with those there are."""
    _check_cpu(present, change)
    if change.memory > present.memory_swap and not change.memory_swap:
        raise Conflict(
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"
        )
    after = replace(
        present,
        memory=change.memory or present.memory,
        memory_swap=change.memory_swap or present.memory_swap,
        memory_reservation=change.memory_reservation or present.memory_reservation,
        nano_cpus=change.nano_cpus or present.nano_cpus,
        cpu_shares=change.cpu_shares or present.cpu_shares,
        cpu_period=change.cpu_period or present.cpu_period,
        cpu_quota=change.cpu_quota or present.cpu_quota,
        cpu_realtime_period=change.cpu_realtime_period or present.cpu_realtime_period,
        cpu_realtime_runtime=change.cpu_realtime_runtime or present.cpu_realtime_runtime,
        cpuset_cpus=change.cpuset_cpus or present.cpuset_cpus,
        cpuset_mems=change.cpuset_mems or present.cpuset_mems,
        blkio_weight=change.blkio_weight or present.blkio_weight,
    )
    if change.pids_limit is not None:
        after = replace(after, pids_limit=change.pids_limit if change.pids_limit > 0 else None)
    if 0 < after.memory_swap < after.memory:
        raise Conflict("Minimum memoryswap limit should be larger than memory limit, see usage")
    if after.memory and after.memory_reservation > after.memory:
        raise Conflict("Minimum memory limit can not be less than memory reservation limit, see usage")
    return after


def _check_cpu(present: Resources, change: LimitChange) -> None:
    pairs = (
        (change.nano_cpus, present.cpu_period, "Nano CPUs cannot be updated as CPU Period has already been set"),
        (change.nano_cpus, present.cpu_quota, "Nano CPUs cannot be updated as CPU Quota has already been set"),
        (change.cpu_quota, present.nano_cpus, "CPU Quota cannot be updated as NanoCPUs has already been set"),
        (change.cpu_period, present.nano_cpus, "CPU Period cannot be updated as NanoCPUs has already been set"),
    )
    for asked, held, conflict in pairs:
        if asked and held:
            raise Conflict(f"Conflicting options: {conflict}.")
