"""The engine as a whole."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from weft.drivers.registry import Registry
from weft.engine.contract.images import Credentials, Images
from weft.engine.contract.remote import Remotes
from weft.engine.contract.runtime import Runtime
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.results import SystemState
from weft.engine.settings import Settings
from weft.model.container import Status

_LIMITS = {  # limits that a machine may lack, in the words of docker's warnings
    "memory": "memory limit",
    "memory_swap": "swap limit",
    "cpu_shares": "cpu shares",
    "cpu_quota": "cpu cfs quota",
    "cpu_period": "cpu cfs period",
    "cpuset_cpus": "cpuset",
    "pids_limit": "pids limit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSummary:
    """What the host is, measured once or at each call by the daemon."""

    hostname: str
    cpus: int
    memory: int  # bytes
    kernel_version: str
    operating_system: str
    os_version: str
    architecture: str
    ipv4_forwarding: bool
    file_descriptors: int
    tasks: int
    nft_version: str
    backing_file_system: str = ""  # of the data root
    proxies: tuple[str, str, str] = ("", "", "")  # for HTTP, for HTTPS, and for whom there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSummary:
    """What the daemon was configured with, as /info reports it."""

    debug: bool
    labels: tuple[str, ...]
    registry_mirrors: tuple[str, ...]
    insecure_registries: tuple[str, ...]
    started: int


class SystemService:
    """Implements weft.api.backend.System."""

    def __init__(
        self,
        inventory: Inventory,
        images: Images,
        runtime: Runtime,
        drivers: Registry,
        remotes: Remotes,
        events: EventBus,
        settings: Settings,
        host: Callable[[], HostSummary],
        daemon: Callable[[], DaemonSummary],
        obstacles: Callable[[], tuple[str, ...]],
    ) -> None:
        self._inventory = inventory
        self._images = images
        self._runtime = runtime
        self._drivers = drivers
        self._remotes = remotes
        self._events = events
        self._settings = settings
        self._host = host
        self._daemon = daemon
        self._obstacles = obstacles

    def state(self) -> SystemState:
        """Return what /info and /version report."""
        host, daemon = self._host(), self._daemon()
        return SystemState(
            id=self._settings.host_id,
            hostname=host.hostname,
            data_root=self._settings.data_root,
            exec_root=self._settings.exec_root,
            debug=daemon.debug,
            images=len(self._images.list()),
            containers=self._counts(),
            runtime=self._runtime.info(),
            cpus=host.cpus,
            memory=host.memory,
            kernel_version=host.kernel_version,
            operating_system=host.operating_system,
            os_version=host.os_version,
            architecture=host.architecture,
            labels=daemon.labels,
            registry_mirrors=daemon.registry_mirrors,
            insecure_registries=daemon.insecure_registries,
            address_pools=tuple((str(base), size) for base, size in self._settings.address_pools),
            ipv4_forwarding=host.ipv4_forwarding,
            event_listeners=self._events.listeners,
            file_descriptors=host.file_descriptors,
            tasks=host.tasks,
            nft_version=host.nft_version,
            backing_file_system=host.backing_file_system,
            proxies=host.proxies,
            warnings=self._warnings(host),
            started=daemon.started,
            network_drivers=tuple(sorted({*self._drivers.names, *self._remotes.active("NetworkDriver")})),
            log_driver=self._settings.log.driver,
            publish=self._settings.publish,
        )

    def _counts(self) -> dict[str, int]:
        counted = Counter(record.state.status for record in self._inventory.containers.values())
        running = counted[Status.RUNNING] + counted[Status.RESTARTING]
        paused = counted[Status.PAUSED]
        return {"running": running, "paused": paused, "stopped": counted.total() - running - paused}

    def _warnings(self, host: HostSummary) -> tuple[str, ...]:
        info = self._runtime.info()
        missing = [
            f"WARNING: No {words} support" for field, words in _LIMITS.items() if field not in info.limits.fields
        ]
        if info.cgroup_version == 1 and "oom_kill_disable" not in info.limits.fields:
            missing.append("WARNING: No oom kill disable support")
        if not host.ipv4_forwarding:
            missing.append("WARNING: IPv4 forwarding is disabled: set sysctl net.ipv4.ip_forward=1")
        if not info.seccomp:
            missing.append("WARNING: No seccomp support: containers run without a system call filter")
        return (*missing, *(f"WARNING: {line}" for line in self._obstacles()))

    async def verify_credentials(self, username: str, password: str, server: str) -> str:
        """Log in to a registry; return Docker's `Login Succeeded`. Unauthorized carries the registry's reason."""
        return await self._images.verify_credentials(Credentials(username, password, server=server))
