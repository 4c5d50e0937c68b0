"""CpusetCpus and CpusetMems: lists as cpuset(7) writes them, checked against what the machine has."""

from weft.api.wire.host_config import HostConfig
from weft.engine.contract.runtime import LimitSupport
from weft.model.errors import InvalidParameter

_LARGEST = 8192


def check_available(host: HostConfig, limits: LimitSupport) -> None:
    """Raise InvalidParameter, in Docker's words, for a list that is none and for what the machine has not."""
    if "cpuset_cpus" not in limits.fields:
        return  # they are left out with a warning
    for given, kind, name, available in (
        (host.cpuset_cpus or "", "cpus", "CPUs", limits.cpus),
        (host.cpuset_mems or "", "mems", "memory nodes", limits.mems),
    ):
        try:
            wanted = _members(given)
        except ValueError as error:
            raise InvalidParameter(f"Invalid value {given} for cpuset {kind}: {error}") from None
        if not wanted <= _members(available):
            raise InvalidParameter(f"Requested {name} are not available - requested {given}, available: {available}")


def _members(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(",") if text else ():
        first, dash, last = part.partition("-")
        if not (first.isascii() and first.isdigit() and (not dash or (last.isascii() and last.isdigit()))):
            raise ValueError(f"invalid format: {text}")
        low, high = int(first), int(last or first)
        if low > high:
            raise ValueError(f"invalid format: {text}")
        if high > _LARGEST:
            raise ValueError(f"value of out range, maximum is {_LARGEST}")
        found.update(range(low, high + 1))
    return frozenset(found)
