"""ContainerRecord -> GET /containers/{id}/json (Engine API v1.51 ContainerInspectResponse)."""

from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import dirname

from msgspec import UNSET, UnsetType, field

from weft.api.version import Version
from weft.api.wire.endpoint import EndpointAnswer, endpoint_answers
from weft.api.wire.health import HealthAnswer, HealthConfigAnswer, health_answer, health_config_answer
from weft.api.wire.host_config_answer import HostConfigAnswer, host_config_answer
from weft.api.wire.machine import Machine
from weft.api.wire.ports import PortMap, exposed_keys, published_map
from weft.api.wire.shapes import Answer
from weft.api.wire.times import rfc3339
from weft.model.container import ContainerRecord, ContainerState, Mount, MountType, Status
from weft.model.ids import short_id


class StateAnswer(Answer, frozen=True, kw_only=True):
    """State."""

    status: str
    running: bool
    paused: bool
    restarting: bool
    oom_killed: bool = field(name="OOMKilled")
    dead: bool
    pid: int
    exit_code: int
    error: str
    started_at: str
    finished_at: str
    health: HealthAnswer | UnsetType = UNSET


class ConfigAnswer(Answer, frozen=True, kw_only=True):
    """Config, the image's defaults merged in."""

    hostname: str
    domainname: str
    user: str
    attach_stdin: bool
    attach_stdout: bool
    attach_stderr: bool
    exposed_ports: Mapping[str, Mapping[str, str]] | UnsetType = UNSET
    tty: bool
    open_stdin: bool
    stdin_once: bool
    env: tuple[str, ...]
    cmd: tuple[str, ...] | None
    healthcheck: HealthConfigAnswer | UnsetType = UNSET
    image: str
    volumes: Mapping[str, Mapping[str, str]] | None
    working_dir: str
    entrypoint: tuple[str, ...] | None
    mac_address: str | UnsetType = UNSET
    on_build: tuple[str, ...] | None = None
    labels: Mapping[str, str]
    stop_signal: str | UnsetType = UNSET
    stop_timeout: int | UnsetType = UNSET
    shell: tuple[str, ...] | UnsetType = UNSET


class MountPoint(Answer, frozen=True, kw_only=True):
    """One of Mounts: what is mounted."""

    type: str
    name: str | UnsetType = UNSET
    source: str
    destination: str
    driver: str | UnsetType = UNSET
    mode: str
    rw: bool = field(name="RW")
    propagation: str


class NetworkSettings(Answer, frozen=True, kw_only=True):
    """NetworkSettings; the top-level addresses are those on the network `bridge` alone."""

    bridge: str = ""
    sandbox_id: str = field(name="SandboxID")
    sandbox_key: str
    ports: PortMap
    hairpin_mode: bool = False
    link_local_ipv6_address: str = field(name="LinkLocalIPv6Address", default="")
    link_local_ipv6_prefix_len: int = field(name="LinkLocalIPv6PrefixLen", default=0)
    secondary_ip_addresses: None = field(name="SecondaryIPAddresses", default=None)
    secondary_ipv6_addresses: None = field(name="SecondaryIPv6Addresses", default=None)
    endpoint_id: str = field(name="EndpointID")
    gateway: str
    global_ipv6_address: str = field(name="GlobalIPv6Address")
    global_ipv6_prefix_len: int = field(name="GlobalIPv6PrefixLen")
    ip_address: str = field(name="IPAddress")
    ip_prefix_len: int = field(name="IPPrefixLen")
    ipv6_gateway: str = field(name="IPv6Gateway")
    mac_address: str
    networks: dict[str, EndpointAnswer]


class GraphDriver(Answer, frozen=True, kw_only=True):
    """GraphDriver."""

    data: Mapping[str, str] | None
    name: str = "overlay2"


class ContainerInspect(Answer, frozen=True, kw_only=True):
    """The whole answer."""

    id: str
    created: str
    path: str
    args: tuple[str, ...]
    state: StateAnswer
    image: str
    resolv_conf_path: str
    hostname_path: str
    hosts_path: str
    log_path: str
    name: str
    restart_count: int
    driver: str = "overlay2"
    platform: str = "linux"
    mount_label: str = ""
    process_label: str = ""
    app_armor_profile: str = ""
    exec_ids: tuple[str, ...] | None = field(name="ExecIDs")
    host_config: HostConfigAnswer
    graph_driver: GraphDriver
    size_rw: int | UnsetType = UNSET
    size_root_fs: int | UnsetType = UNSET
    mounts: list[MountPoint]
    config: ConfigAnswer
    network_settings: NetworkSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What inspect shows of a container beside its record.

    `layers` are the image's unpacked layers, lowest first; `sizes` are bytes of the writable layer and of the root.
    """

    machine: Machine
    directory: str
    layers: tuple[str, ...]
    log_path: str
    sandbox_path: str
    exec_ids: tuple[str, ...]
    links: tuple[str, ...] = ()  # legacy ones, `/target:/linker/alias`
    sizes: tuple[int, int] | None = None


def container_inspect(record: ContainerRecord, around: Surroundings, version: Version) -> ContainerInspect:
    """Return the answer in the shape of that version."""
    spec, state = record.spec, record.state
    argv = spec.process.argv
    begun = state.started != 0
    sizes = around.sizes
    return ContainerInspect(
        id=record.id,
        created=rfc3339(record.created),
        path=argv[0] if argv else "",
        args=argv[1:],
        state=_state(state),
        image=record.image_id,
        resolv_conf_path=f"{around.directory}/resolv.conf" if begun else "",
        hostname_path=f"{around.directory}/hostname" if begun else "",
        hosts_path=f"{around.directory}/hosts" if begun else "",
        log_path=around.log_path if begun and spec.log.driver != "none" else "",
        name=f"/{record.name}",
        restart_count=state.restart_count,
        exec_ids=around.exec_ids or None,
        host_config=host_config_answer(record, version, around.machine, around.links),
        graph_driver=GraphDriver(data=_overlay(record, around)),
        size_rw=UNSET if sizes is None else sizes[0],
        size_root_fs=UNSET if sizes is None else sizes[1],
        mounts=mount_points(record),
        config=_config(record),
        network_settings=_network_settings(record, around, version),
    )


def _overlay(record: ContainerRecord, around: Surroundings) -> Mapping[str, str]:
    """Where the root file system is put together; the writable layer lies beside the log."""
    own = dirname(around.log_path)
    return {
        "LowerDir": ":".join(reversed(around.layers)),
        "MergedDir": f"{around.machine.exec_root}/roots/{record.id}",
        "UpperDir": f"{own}/upper",
        "WorkDir": f"{own}/work",
    }


def mount_points(record: ContainerRecord) -> list[MountPoint]:
    """Return what is mounted, by target; --tmpfs is not among it, --mount type=tmpfs is."""
    hidden = {m.target for m in record.spec.mounts if m.type is MountType.TMPFS and m.from_binds}
    shown = (m for m in record.mounts if not (m.type is MountType.TMPFS and m.target in hidden))
    return [_mount_point(mount) for mount in sorted(shown, key=lambda mount: mount.target)]


def _mount_point(mount: Mount) -> MountPoint:
    return MountPoint(
        type=mount.type.value,
        name=mount.name or UNSET,
        source=mount.source,
        destination=mount.target,
        driver=mount.driver or UNSET,
        mode=mount.mode,
        rw=not mount.read_only,
        propagation=mount.propagation or ("rprivate" if mount.type is MountType.BIND else ""),
    )


def _state(state: ContainerState) -> StateAnswer:
    return StateAnswer(
        status=state.status.value,
        running=state.is_running or state.status is Status.RESTARTING,
        paused=state.status is Status.PAUSED,
        restarting=state.status is Status.RESTARTING,
        oom_killed=state.oom_killed,
        dead=state.status is Status.DEAD,
        pid=state.pid,
        exit_code=state.exit_code,
        error=state.error,
        started_at=rfc3339(state.started),
        finished_at=rfc3339(state.finished),
        health=UNSET if state.health is None else health_answer(state.health),
    )


def _config(record: ContainerRecord) -> ConfigAnswer:
    spec = record.spec
    process, networking = spec.process, spec.networking
    return ConfigAnswer(
        hostname=networking.hostname or _hostname(networking.mode, record.id),
        domainname=networking.domainname,
        user=process.user,
        attach_stdin=process.attach_stdin,
        attach_stdout=process.attach_stdout,
        attach_stderr=process.attach_stderr,
        exposed_ports=exposed_keys(networking.exposed) or UNSET,
        tty=process.tty,
        open_stdin=process.open_stdin,
        stdin_once=process.stdin_once,
        env=process.env,
        cmd=process.cmd,
        healthcheck=UNSET if spec.health is None else health_config_answer(spec.health),
        image=spec.image,
        volumes={path: {} for path in spec.anonymous_volumes} or None,
        working_dir=process.working_dir,
        entrypoint=process.entrypoint,
        mac_address=networking.mac_address or UNSET,
        labels=spec.labels,
        stop_signal=process.stop_signal or UNSET,
        stop_timeout=UNSET if process.stop_timeout is None else process.stop_timeout,
        shell=process.shell or UNSET,
    )


def _hostname(mode: str, container: str) -> str:
    """Where the engine gave none: a container that shares a namespace has that one's."""
    return "" if mode == "host" or mode.startswith("container:") else short_id(container)


def _network_settings(record: ContainerRecord, around: Surroundings, version: Version) -> NetworkSettings:
    networks = endpoint_answers(record.attachments, record.id, version)
    bridge = networks.get("bridge")
    running = record.state.is_running
    exposed = record.spec.networking.exposed if running and record.spec.networking.mode != "host" else ()
    return NetworkSettings(
        sandbox_id=record.sandbox_id,
        sandbox_key=around.sandbox_path,
        ports=published_map(exposed, record.published if running else ()),
        endpoint_id=bridge.endpoint_id if bridge else "",
        gateway=bridge.gateway if bridge else "",
        global_ipv6_address=bridge.global_ipv6_address if bridge else "",
        global_ipv6_prefix_len=bridge.global_ipv6_prefix_len if bridge else 0,
        ip_address=bridge.ip_address if bridge else "",
        ip_prefix_len=bridge.ip_prefix_len if bridge else 0,
        ipv6_gateway=bridge.ipv6_gateway if bridge else "",
        mac_address=bridge.mac_address if bridge else "",
        networks=networks,
    )
