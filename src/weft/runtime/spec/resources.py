"""Control group limits and resource limits of a process."""

from collections.abc import Mapping, Sequence
from typing import Final

from weft.model.container import Resources, Ulimit
from weft.model.errors import InvalidParameter

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
    """Return the OCI `linux.resources` (memory in bytes, periods in microseconds), without devices."""
    parts: Mapping[str, Mapping[str, int]] = {
        "memory": _memory(resources, limits_swap=limits_swap),
        "cpu": _cpu(resources),
        "pids": _pids(resources),
    }
    return {name: part for name, part in parts.items() if part}


def rlimits(ulimits: Sequence[Ulimit]) -> list[dict[str, object]]:
    """Return the OCI `process.rlimits`; InvalidParameter names an unknown limit. -1 is unlimited."""
    found: list[dict[str, object]] = []
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


def _memory(resources: Resources, *, limits_swap: bool) -> dict[str, int]:
    memory: dict[str, int] = {}
    if resources.memory > 0:
        memory["limit"] = resources.memory
        if limits_swap:
            # as much swap again, unless said otherwise
            memory["swap"] = resources.memory_swap or 2 * resources.memory
    if resources.memory_reservation > 0:
        memory["reservation"] = resources.memory_reservation
    return memory


def _pids(resources: Resources) -> dict[str, int]:
    return {"limit": resources.pids_limit} if resources.pids_limit and resources.pids_limit > 0 else {}


def _cpu(resources: Resources) -> dict[str, int]:
    cpu: dict[str, int] = {}
    if resources.cpu_shares > 0:
        cpu["shares"] = resources.cpu_shares
    if resources.nano_cpus > 0:
        cpu["period"] = _DEFAULT_PERIOD
        cpu["quota"] = resources.nano_cpus * _DEFAULT_PERIOD // _NANO
    if resources.cpu_period > 0:
        cpu["period"] = resources.cpu_period
    if resources.cpu_quota > 0:
        cpu["quota"] = resources.cpu_quota
    return cpu
