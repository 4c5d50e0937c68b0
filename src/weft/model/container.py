"""Containers: what a user asked for (specs) and what exists (records)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from weft.model.endpoint import Attachment
from weft.model.health import Health, HealthCheck
from weft.model.port import ContainerPort, PortRequest, PublishedPort


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """The container's process, the image's defaults already merged in. `entrypoint` None: none was given."""

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    stop_signal: str = ""
    stop_timeout: int | None = None  # seconds
    init: bool | None = None
    oom_score_adj: int = 0  # -1000 to 1000; the higher, the sooner the kernel kills it for want of memory
    console_size: tuple[int, int] = (0, 0)  # rows, columns
    shell: tuple[str, ...] = ()  # an image's build-time shell, kept for inspect

    @property
    def argv(self) -> tuple[str, ...]:
        """Entrypoint followed by cmd."""
        return (self.entrypoint or ()) + (self.cmd or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ulimit:
    """A resource limit as `ulimit` names it (nofile, nproc …)."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLimit:
    """A figure for one block device: its weight, or bytes or operations a second."""

    path: str  # of the device on the host
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMapping:
    """A host's device, or directory of devices, inside a container. `permissions` are of r, w and m (mknod)."""

    host_path: str
    path: str
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Control group limits; 0 is unlimited. Memory in bytes, `nano_cpus` in 1e-9 CPUs, periods in microseconds."""

    memory: int = 0
    memory_swap: int = 0  # memory plus swap; -1 unlimited swap
    memory_reservation: int = 0
    memory_swappiness: int | None = None  # percent; None is the parent group's
    oom_kill_disable: bool = False
    nano_cpus: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""  # as cpuset(7) writes lists: 0-2,4
    cpuset_mems: str = ""
    blkio_weight: int = 0
    blkio_weight_device: tuple[DeviceLimit, ...] = ()
    blkio_device_read_bps: tuple[DeviceLimit, ...] = ()
    blkio_device_write_bps: tuple[DeviceLimit, ...] = ()
    blkio_device_read_iops: tuple[DeviceLimit, ...] = ()
    blkio_device_write_iops: tuple[DeviceLimit, ...] = ()
    devices: tuple[DeviceMapping, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()  # "c 1:3 rwm", "a *:* r"
    pids_limit: int | None = None
    ulimits: tuple[Ulimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Privileges of the container's process."""

    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()  # as given; seccomp=…, no-new-privileges
    group_add: tuple[str, ...] = ()
    read_only_root: bool = False
    masked_paths: tuple[str, ...] | None = None  # None: the engine's defaults
    read_only_paths: tuple[str, ...] | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict)


class MountType(StrEnum):
    """Kinds of mounts (Engine API MountPoint.Type)."""

    BIND = "bind"
    VOLUME = "volume"
    TMPFS = "tmpfs"
    IMAGE = "image"


class ReadOnly(StrEnum):
    """How far a read-only bind goes where other file systems are mounted below it (mount_setattr(2))."""

    RECURSIVE = ""  # all of it
    TOP = "top"  # what is mounted below stays as it is
    FORCED = "forced"  # all of it, said expressly


@dataclass(frozen=True, slots=True, kw_only=True)
class MountSpec:
    """A mount asked for by -v, --mount or --tmpfs.

    `source` is a host path (bind) or a volume name ("" for an anonymous volume); `mode` the text after the second
    colon of -v; `from_binds` tells -v from --mount, since only -v creates a missing host path.
    """

    type: MountType
    target: str
    source: str = ""
    read_only: bool = False
    mode: str = ""
    propagation: str = ""
    no_copy: bool = False
    from_binds: bool = False
    tmpfs_options: str = ""
    volume_labels: Mapping[str, str] = field(default_factory=dict)
    volume_driver: str = ""
    volume_options: Mapping[str, str] = field(default_factory=dict)
    subpath: str = ""  # of a volume or an image
    recursive: bool = True  # a bind brings along what is mounted below its source
    make_source: bool = False  # a missing host directory is made, as -v always does
    read_only_depth: ReadOnly = ReadOnly.RECURSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mount resolved: `source` is a host path, an image's name for an image. `name` is the volume's, or its id."""

    type: MountType
    source: str
    target: str
    name: str = ""
    driver: str = ""
    mode: str = ""
    read_only: bool = False
    propagation: str = ""
    tmpfs_options: str = ""
    copy_up: bool = False  # fill an empty volume from the image when the container is made
    subpath: str = ""
    recursive: bool = True
    read_only_depth: ReadOnly = ReadOnly.RECURSIVE
    layers: tuple[str, ...] = ()  # of an image, as ContainerRecord has them


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """`name` is no, always, unless-stopped or on-failure."""

    name: str = "no"
    maximum_retry_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """`driver` is json-file, local or none; options max-size and max-file bound what json-file keeps."""

    driver: str = "json-file"
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkingSpec:
    """How a container is connected. `mode` is bridge, host, none, container:<id> or a network's name or id."""

    mode: str = "bridge"
    hostname: str = ""
    domainname: str = ""
    mac_address: str = ""
    exposed: tuple[ContainerPort, ...] = ()
    ports: tuple[PortRequest, ...] = ()
    publish_all: bool = False
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """What `container create` asks for, image defaults merged in."""

    image: str  # as the user wrote it
    process: ProcessSpec = ProcessSpec()
    networking: NetworkingSpec = NetworkingSpec()
    resources: Resources = Resources()
    security: Security = Security()
    mounts: tuple[MountSpec, ...] = ()
    anonymous_volumes: tuple[str, ...] = ()  # targets from the image's or --volume's Volumes map
    volumes_from: tuple[str, ...] = ()
    restart: RestartPolicy = RestartPolicy()
    log: LogConfig = LogConfig()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)  # for the OCI runtime
    auto_remove: bool = False
    shm_size: int = 67108864  # bytes
    runtime: str = ""  # "" is the engine's default
    ipc_mode: str = ""
    pid_mode: str = ""
    uts_mode: str = ""
    cgroupns_mode: str = ""  # host or private; "" goes by the version of control groups
    userns_mode: str = ""  # "" or host, which are the same here; kept for inspect
    cgroup_parent: str = ""
    container_id_file: str = ""  # the file that the client writes the id to, kept for inspect
    health: HealthCheck | None = None  # None: neither the client nor the image said anything


class Status(StrEnum):
    """A container's state (Engine API ContainerState.Status)."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """Times are nanoseconds since the epoch, 0 for never. `manually_stopped` keeps restart policies quiet."""

    status: Status = Status.CREATED
    pid: int = 0
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    started: int = 0
    finished: int = 0
    restart_count: int = 0
    manually_stopped: bool = False
    committing: bool = False  # paused by a commit, not by a user
    health: Health | None = None  # None without a health check, and before the first start

    @property
    def is_running(self) -> bool:
        """Whether a process exists (a paused container has one)."""
        return self.status in (Status.RUNNING, Status.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRecord:
    """A container that exists.

    `sandbox_id` names the network namespace while one is pinned; `ports` are the bindings in force while running.
    """

    id: str
    name: str
    created: int
    image_id: str
    spec: ContainerSpec
    state: ContainerState = ContainerState()
    layers: tuple[str, ...] = ()  # diff ids of the image, lowest first
    mounts: tuple[Mount, ...] = ()
    attachments: tuple[Attachment, ...] = ()  # in the order of attaching
    sandbox_id: str = ""
    ports: tuple[PublishedPort, ...] = ()

    @property
    def published(self) -> tuple[PublishedPort, ...]:
        """Return the bindings in force: Weft's own, and those that remote drivers forward."""
        endpoints = (attachment.endpoint for attachment in self.attachments if attachment.endpoint is not None)
        return self.ports + tuple(port for endpoint in endpoints for port in endpoint.ports)

    def attachment_to(self, network_id: str) -> Attachment | None:
        """Return the attachment to that network, or None."""
        return next((a for a in self.attachments if a.network_id == network_id), None)
