"""SystemState -> GET /info (Engine API v1.51 SystemInfo)."""

from msgspec import UNSET, UnsetType, field

from weft.api.version import ENGINE_VERSION, Version
from weft.api.wire.log_config import DRIVERS
from weft.api.wire.shapes import Answer
from weft.api.wire.times import rfc3339
from weft.engine.results import SystemState

_POOLS_SINCE = Version(1, 40)
_BRIDGE_NETFILTER_UNTIL = Version(1, 50)
_CDI_SINCE = Version(1, 46)
_FIREWALL_SINCE = Version(1, 49)
_BUILTIN_PROFILE_SINCE = Version(1, 42)
_EXPECTED_UNTIL = Version(1, 49)


class PluginsAnswer(Answer, frozen=True, kw_only=True):
    """Plugins: names by what they serve."""

    volume: list[str]
    network: list[str]
    authorization: list[str] | None = None
    log: list[str]


class IndexAnswer(Answer, frozen=True, kw_only=True):
    """One of RegistryConfig.IndexConfigs."""

    name: str
    mirrors: list[str]
    secure: bool
    official: bool


class RegistriesAnswer(Answer, frozen=True, kw_only=True):
    """RegistryConfig."""

    insecure_registry_cidrs: list[str] = field(name="InsecureRegistryCIDRs")
    index_configs: dict[str, IndexAnswer]
    mirrors: list[str]
    allow_nondistributable_artifacts_cidrs: list[str] | UnsetType = field(
        name="AllowNondistributableArtifactsCIDRs", default=UNSET
    )
    allow_nondistributable_artifacts_hostnames: list[str] | UnsetType = UNSET


class RuntimeAnswer(Answer, frozen=True, kw_only=True, rename=None):
    """One of Runtimes."""

    path: str


class SwarmAnswer(Answer, frozen=True, kw_only=True):
    """Swarm: this engine is in none."""

    node_id: str = field(name="NodeID", default="")
    node_addr: str = ""
    local_node_state: str = "inactive"
    control_available: bool = False
    error: str = ""
    remote_managers: list[dict[str, str]] | None = None


class CommitAnswer(Answer, frozen=True, kw_only=True):
    """The commit that a program was built from."""

    id: str = field(name="ID")
    expected: str | UnsetType = UNSET


class PoolAnswer(Answer, frozen=True, kw_only=True):
    """One of DefaultAddressPools."""

    base: str
    size: int


class FirewallAnswer(Answer, frozen=True, kw_only=True):
    """FirewallBackend."""

    driver: str
    info: list[tuple[str, str]]


class InfoAnswer(Answer, frozen=True, kw_only=True):
    """The whole answer."""

    id: str = field(name="ID")
    containers: int
    containers_running: int
    containers_paused: int
    containers_stopped: int
    images: int
    driver: str = "overlay2"
    driver_status: list[tuple[str, str]]
    plugins: PluginsAnswer
    memory_limit: bool
    swap_limit: bool
    cpu_cfs_period: bool
    cpu_cfs_quota: bool
    cpu_shares: bool = field(name="CPUShares")
    cpu_set: bool = field(name="CPUSet")
    pids_limit: bool
    oom_kill_disable: bool
    ipv4_forwarding: bool = field(name="IPv4Forwarding")
    debug: bool
    file_descriptors: int = field(name="NFd")
    tasks: int = field(name="NGoroutines")
    system_time: str
    logging_driver: str
    cgroup_driver: str = "cgroupfs"
    cgroup_version: str
    event_listeners: int = field(name="NEventsListener")
    name: str
    kernel_version: str
    operating_system: str
    os_version: str = field(name="OSVersion")
    os_type: str = field(name="OSType", default="linux")
    architecture: str
    cpus: int = field(name="NCPU")
    mem_total: int
    index_server_address: str = "https://index.docker.io/v1/"
    registry_config: RegistriesAnswer
    generic_resources: list[dict[str, object]] | None = None
    docker_root_dir: str
    http_proxy: str
    https_proxy: str
    no_proxy: str
    labels: list[str]
    experimental_build: bool = False
    server_version: str = ENGINE_VERSION
    runtimes: dict[str, RuntimeAnswer]
    default_runtime: str
    swarm: SwarmAnswer
    live_restore_enabled: bool = True
    isolation: str = ""
    init_binary: str
    containerd_commit: CommitAnswer
    runc_commit: CommitAnswer
    init_commit: CommitAnswer
    security_options: list[str]
    warnings: list[str] | None
    bridge_nf_iptables: bool | UnsetType = UNSET
    bridge_nf_ip6tables: bool | UnsetType = field(name="BridgeNfIp6tables", default=UNSET)
    kernel_memory: bool | UnsetType = UNSET
    kernel_memory_tcp: bool | UnsetType = field(name="KernelMemoryTCP", default=UNSET)
    default_address_pools: list[PoolAnswer] | UnsetType = UNSET
    firewall_backend: FirewallAnswer | UnsetType = UNSET
    cdi_spec_dirs: list[str] | UnsetType = field(name="CDISpecDirs", default=UNSET)


def info_answer(state: SystemState, version: Version, now: int) -> InfoAnswer:
    """Return the answer; `now` is the time in nanoseconds since the epoch."""
    counts = state.containers
    runtime = state.runtime
    limits = runtime.limits.fields
    netfilter = False if version < _BRIDGE_NETFILTER_UNTIL else UNSET
    kernel_memory = False if version < _BUILTIN_PROFILE_SINCE else UNSET
    return InfoAnswer(
        id=state.id,
        containers=sum(counts.values()),
        containers_running=counts.get("running", 0),
        containers_paused=counts.get("paused", 0),
        containers_stopped=counts.get("stopped", 0),
        images=state.images,
        driver_status=[("Backing Filesystem", state.backing_file_system), ("Supports d_type", "true")],
        plugins=PluginsAnswer(volume=["local"], network=list(state.network_drivers), log=list(DRIVERS)),
        memory_limit="memory" in limits,
        swap_limit="memory_swap" in limits,
        cpu_cfs_period="cpu_period" in limits,
        cpu_cfs_quota="cpu_quota" in limits,
        cpu_shares="cpu_shares" in limits,
        cpu_set="cpuset_cpus" in limits,
        pids_limit="pids_limit" in limits,
        oom_kill_disable="oom_kill_disable" in limits,
        ipv4_forwarding=state.ipv4_forwarding,
        debug=state.debug,
        file_descriptors=state.file_descriptors,
        tasks=state.tasks,
        system_time=rfc3339(now),
        logging_driver=state.log_driver,
        cgroup_version=str(runtime.cgroup_version),
        event_listeners=state.event_listeners,
        name=state.hostname,
        kernel_version=state.kernel_version,
        operating_system=state.operating_system,
        os_version=state.os_version,
        architecture=state.architecture,
        cpus=state.cpus,
        mem_total=state.memory,
        registry_config=_registries(state, version),
        docker_root_dir=state.data_root,
        http_proxy=state.proxies[0],
        https_proxy=state.proxies[1],
        no_proxy=state.proxies[2],
        labels=list(state.labels),
        runtimes={name: RuntimeAnswer(path=name) for name in (runtime.name, *runtime.others)},
        default_runtime=runtime.name,
        swarm=SwarmAnswer(),
        containerd_commit=_commit("", version),
        runc_commit=_commit(runtime.version, version),
        init_binary=runtime.init,
        init_commit=_commit(runtime.init_version, version),
        security_options=_security(state, version),
        warnings=list(state.warnings) or None,
        bridge_nf_iptables=netfilter,
        bridge_nf_ip6tables=netfilter,
        kernel_memory=kernel_memory,
        kernel_memory_tcp=kernel_memory,
        default_address_pools=_pools(state, version),
        firewall_backend=_firewall(state, version),
        cdi_spec_dirs=[] if version >= _CDI_SINCE else UNSET,
    )


def _registries(state: SystemState, version: Version) -> RegistriesAnswer:
    insecure = [name for name in state.insecure_registries if "/" not in name]
    mirrors = [f"{mirror.rstrip('/')}/" for mirror in state.registry_mirrors]
    hub = IndexAnswer(name="docker.io", mirrors=mirrors, secure=True, official=True)
    others = {name: IndexAnswer(name=name, mirrors=[], secure=False, official=False) for name in insecure}
    nondistributable: list[str] | UnsetType = [] if version < _EXPECTED_UNTIL else UNSET
    return RegistriesAnswer(
        insecure_registry_cidrs=[name for name in state.insecure_registries if "/" in name] + ["127.0.0.0/8"],
        index_configs={"docker.io": hub, **others},
        mirrors=mirrors,
        allow_nondistributable_artifacts_cidrs=nondistributable,
        allow_nondistributable_artifacts_hostnames=nondistributable,
    )


def _commit(text: str, version: Version) -> CommitAnswer:
    return CommitAnswer(id=text, expected=text if version < _EXPECTED_UNTIL else UNSET)


def _security(state: SystemState, version: Version) -> list[str]:
    profile = "builtin" if version >= _BUILTIN_PROFILE_SINCE else "default"
    options = [f"name=seccomp,profile={profile}"] if state.runtime.seccomp else []
    return options + (["name=cgroupns"] if state.runtime.cgroup_version == 2 else [])


def _pools(state: SystemState, version: Version) -> list[PoolAnswer] | UnsetType:
    if version < _POOLS_SINCE or not state.address_pools:
        return UNSET
    return [PoolAnswer(base=base, size=size) for base, size in state.address_pools]


def _firewall(state: SystemState, version: Version) -> FirewallAnswer | UnsetType:
    if version < _FIREWALL_SINCE:
        return UNSET
    return FirewallAnswer(driver="nftables", info=[("Version", state.nft_version), ("Publish", str(state.publish))])
