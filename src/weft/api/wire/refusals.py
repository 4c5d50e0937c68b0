"""Options of HostConfig that Weft does not have: refused by name unless left at their default."""

from collections.abc import Callable, Mapping

from weft.api.wire.devices import refuse_device_requests
from weft.api.wire.host_config import HostConfig
from weft.model.errors import InvalidParameter, Unimplemented

_UNSET: tuple[object, ...] = (None, 0, "", False, [], {})
_WINDOWS = "it exists on Windows only"

# attribute -> (the API's name, what is missing)
_UNSUPPORTED: Mapping[str, tuple[str, str]] = {
    "cgroup": ("Cgroup", "joining another container's control group"),
    "cpu_count": ("CpuCount", _WINDOWS),
    "cpu_percent": ("CpuPercent", _WINDOWS),
    "storage_opt": ("StorageOpt", "storage options per container"),
}


def refuse_unsupported(host: HostConfig, *, runtimes: frozenset[str]) -> None:
    """Raise Unimplemented naming the first option that Weft lacks, or InvalidParameter for a value that no engine has.

    `runtimes` are the names that start a container.
    """
    _check_ranges(host)
    for attribute, (name, missing) in _UNSUPPORTED.items():
        if getattr(host, attribute) not in _UNSET:
            raise Unimplemented(f"HostConfig.{name} is not supported: Weft does not have {missing}")
    refuse_device_requests(host.device_requests)
    for check in _CHECKS:
        check(host)
    if host.runtime and host.runtime not in runtimes:
        raise InvalidParameter(f"unknown or invalid runtime name: {host.runtime}")


def _check_ranges(host: HostConfig) -> None:
    if host.io_maximum_bandwidth or host.io_maximum_iops:
        raise InvalidParameter("Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps")
    adjustment = host.oom_score_adj or 0
    if not -1000 <= adjustment <= 1000:
        raise InvalidParameter(f"Invalid value {adjustment}, range for oom score adj is [-1000, 1000]")


def _check_annotations(host: HostConfig) -> None:
    if "" in (host.annotations or {}):
        raise InvalidParameter("invalid Annotations: the empty string is not permitted as an annotation key")


def _check_cgroupns(host: HostConfig) -> None:
    mode = host.cgroupns_mode or ""
    if mode not in ("", "host", "private"):
        raise InvalidParameter(f"invalid cgroup namespace mode: {mode}")


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


_CHECKS: tuple[Callable[[HostConfig], None], ...] = (
    _check_annotations,
    _check_cgroupns,
    _check_userns,
    _check_isolation,
    _check_volume_driver,
)
