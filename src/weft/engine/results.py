"""What use cases answer with."""

from collections.abc import Mapping
from dataclasses import dataclass

from weft.engine.contract.runtime import ExecSpec, RuntimeInfo
from weft.model.exposure import OPEN, Exposure


@dataclass(frozen=True, slots=True)
class Created:
    """A new object's id and the warnings that go with it."""

    id: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a prune removed, and the bytes it gave back."""

    deleted: tuple[str, ...]
    reclaimed: int = 0


@dataclass(frozen=True, slots=True)
class TopResult:
    """Titles and rows of `ps`."""

    titles: tuple[str, ...]
    processes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecState:
    """One exec, for /exec/{id}/json."""

    id: str
    container_id: str
    spec: ExecSpec
    running: bool
    exit_code: int | None
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemState:
    """What /info and /version report of the engine and its host."""

    id: str
    hostname: str
    data_root: str
    exec_root: str
    debug: bool
    images: int
    containers: Mapping[str, int]  # running, paused, stopped
    runtime: RuntimeInfo
    cpus: int
    memory: int  # bytes
    kernel_version: str
    operating_system: str
    os_version: str
    architecture: str
    labels: tuple[str, ...]
    registry_mirrors: tuple[str, ...]
    insecure_registries: tuple[str, ...]
    address_pools: tuple[tuple[str, int], ...]
    ipv4_forwarding: bool
    event_listeners: int
    file_descriptors: int
    tasks: int
    nft_version: str
    warnings: tuple[str, ...]
    started: int  # nanoseconds since the epoch
    network_drivers: tuple[str, ...]
    backing_file_system: str = ""
    proxies: tuple[str, str, str] = ("", "", "")  # for HTTP, for HTTPS, and for whom there is none
    log_driver: str = "json-file"  # of containers that name none
    publish: Exposure = OPEN  # who may use ports for which neither container nor network says
