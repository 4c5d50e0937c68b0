"""ContainerSpec -> HostConfig as inspect shows it, with the defaults that Docker fills in (Engine API v1.51)."""

import re
from collections.abc import Iterable

from msgspec import UNSET, UnsetType, field

from weft.api.version import Version
from weft.api.wire.machine import Machine
from weft.api.wire.ports import PortMap, binding_map
from weft.api.wire.shapes import Answer
from weft.model.container import (
    ContainerRecord,
    ContainerSpec,
    DeviceLimit,
    DeviceMapping,
    MountSpec,
    MountType,
    ReadOnly,
)
from weft.model.protected_paths import MASKED_PATHS, READ_ONLY_PATHS

_KERNEL_MEMORY_UNTIL = Version(1, 42)


class LogConfigAnswer(Answer, frozen=True, kw_only=True):
    """LogConfig."""

    type: str
    config: dict[str, str]


class RestartPolicyAnswer(Answer, frozen=True, kw_only=True):
    """RestartPolicy."""

    name: str
    maximum_retry_count: int


class UlimitAnswer(Answer, frozen=True, kw_only=True):
    """One of Ulimits."""

    name: str
    hard: int
    soft: int


class WeightDeviceAnswer(Answer, frozen=True, kw_only=True):
    """One of BlkioWeightDevice."""

    path: str
    weight: int


class ThrottleDeviceAnswer(Answer, frozen=True, kw_only=True):
    """One of BlkioDeviceReadBps and its like."""

    path: str
    rate: int


class DeviceAnswer(Answer, frozen=True, kw_only=True):
    """One of Devices."""

    path_on_host: str
    path_in_container: str
    cgroup_permissions: str


class BindOptionsAnswer(Answer, frozen=True, kw_only=True):
    """Mounts[].BindOptions."""

    propagation: str | UnsetType = UNSET
    non_recursive: bool | UnsetType = UNSET
    create_mountpoint: bool | UnsetType = UNSET
    read_only_non_recursive: bool | UnsetType = UNSET
    read_only_force_recursive: bool | UnsetType = UNSET


class DriverConfigAnswer(Answer, frozen=True, kw_only=True):
    """Mounts[].VolumeOptions.DriverConfig."""

    name: str | UnsetType = UNSET
    options: dict[str, str] | UnsetType = UNSET


class VolumeOptionsAnswer(Answer, frozen=True, kw_only=True):
    """Mounts[].VolumeOptions."""

    no_copy: bool | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    driver_config: DriverConfigAnswer | UnsetType = UNSET
    subpath: str | UnsetType = UNSET


class ImageOptionsAnswer(Answer, frozen=True, kw_only=True):
    """Mounts[].ImageOptions."""

    subpath: str


class TmpfsOptionsAnswer(Answer, frozen=True, kw_only=True):
    """Mounts[].TmpfsOptions."""

    size_bytes: int | UnsetType = UNSET
    mode: int | UnsetType = UNSET
    options: list[list[str]] | UnsetType = UNSET


class MountAnswer(Answer, frozen=True, kw_only=True):
    """One of Mounts: what --mount asked for."""

    type: str
    source: str | UnsetType = UNSET
    target: str
    read_only: bool | UnsetType = UNSET
    bind_options: BindOptionsAnswer | UnsetType = UNSET
    volume_options: VolumeOptionsAnswer | UnsetType = UNSET
    tmpfs_options: TmpfsOptionsAnswer | UnsetType = UNSET
    image_options: ImageOptionsAnswer | UnsetType = UNSET


class HostConfigAnswer(Answer, frozen=True, kw_only=True):
    """HostConfig, in dockerd's order; what Weft does not have stands at its default."""

    binds: list[str] | None
    container_id_file: str = field(name="ContainerIDFile")
    log_config: LogConfigAnswer
    network_mode: str
    port_bindings: PortMap
    restart_policy: RestartPolicyAnswer
    auto_remove: bool
    volume_driver: str = ""
    volumes_from: tuple[str, ...] | None
    console_size: tuple[int, int]
    annotations: dict[str, str] | UnsetType = UNSET
    cap_add: tuple[str, ...] | None
    cap_drop: tuple[str, ...] | None
    cgroupns_mode: str
    dns: tuple[str, ...]
    dns_options: tuple[str, ...]
    dns_search: tuple[str, ...]
    extra_hosts: tuple[str, ...] | None
    group_add: tuple[str, ...] | None
    ipc_mode: str
    cgroup: str = ""
    links: list[str] | None
    oom_score_adj: int
    pid_mode: str
    privileged: bool
    publish_all_ports: bool
    readonly_rootfs: bool
    security_opt: tuple[str, ...] | None
    tmpfs: dict[str, str] | UnsetType = UNSET
    uts_mode: str = field(name="UTSMode")
    userns_mode: str
    shm_size: int
    sysctls: dict[str, str] | UnsetType = UNSET
    runtime: str
    isolation: str = ""
    cpu_shares: int
    memory: int
    nano_cpus: int
    cgroup_parent: str
    blkio_weight: int
    blkio_weight_device: list[WeightDeviceAnswer]
    blkio_device_read_bps: list[ThrottleDeviceAnswer]
    blkio_device_write_bps: list[ThrottleDeviceAnswer]
    blkio_device_read_iops: list[ThrottleDeviceAnswer] = field(name="BlkioDeviceReadIOps")
    blkio_device_write_iops: list[ThrottleDeviceAnswer] = field(name="BlkioDeviceWriteIOps")
    cpu_period: int
    cpu_quota: int
    cpu_realtime_period: int
    cpu_realtime_runtime: int
    cpuset_cpus: str
    cpuset_mems: str
    devices: list[DeviceAnswer]
    device_cgroup_rules: tuple[str, ...] | None
    device_requests: tuple[str, ...] | None = None
    kernel_memory: int | UnsetType = UNSET
    kernel_memory_tcp: int | UnsetType = field(name="KernelMemoryTCP", default=UNSET)
    memory_reservation: int
    memory_swap: int
    memory_swappiness: int | None
    oom_kill_disable: bool | None
    pids_limit: int | None
    ulimits: list[UlimitAnswer]
    cpu_count: int = 0
    cpu_percent: int = 0
    io_maximum_iops: int = field(name="IOMaximumIOps", default=0)
    io_maximum_bandwidth: int = field(name="IOMaximumBandwidth", default=0)
    mounts: list[MountAnswer] | UnsetType = UNSET
    masked_paths: tuple[str, ...] | None
    readonly_paths: tuple[str, ...] | None
    init: bool | UnsetType = UNSET


def host_config_answer(
    record: ContainerRecord, version: Version, machine: Machine, links: tuple[str, ...] = ()
) -> HostConfigAnswer:
    """Return what the client asked for, and the engine's defaults where it left something open."""
    spec = record.spec
    networking, limits, security = spec.networking, spec.resources, spec.security
    old = version < _KERNEL_MEMORY_UNTIL
    tmpfs = {m.target: m.tmpfs_options for m in spec.mounts if m.type is MountType.TMPFS and m.from_binds}
    return HostConfigAnswer(
        binds=[bind_text(m) for m in spec.mounts if m.from_binds and m.type is not MountType.TMPFS] or None,
        container_id_file=spec.container_id_file,
        log_config=LogConfigAnswer(type=spec.log.driver, config=dict(spec.log.options)),
        network_mode=networking.mode,
        port_bindings=binding_map(networking.ports),
        restart_policy=RestartPolicyAnswer(
            name=spec.restart.name, maximum_retry_count=spec.restart.maximum_retry_count
        ),
        auto_remove=spec.auto_remove,
        volumes_from=spec.volumes_from or None,
        console_size=spec.process.console_size,
        annotations=dict(spec.annotations) or UNSET,
        cap_add=security.cap_add or None,
        cap_drop=security.cap_drop or None,
        cgroupns_mode=spec.cgroupns_mode or machine.cgroupns,
        dns=networking.dns,
        dns_options=networking.dns_options,
        dns_search=networking.dns_search,
        extra_hosts=networking.extra_hosts or None,
        group_add=security.group_add or None,
        oom_score_adj=spec.process.oom_score_adj,
        ipc_mode=spec.ipc_mode or "private",
        links=list(links) or None,
        pid_mode=spec.pid_mode,
        privileged=security.privileged,
        publish_all_ports=networking.publish_all,
        readonly_rootfs=security.read_only_root,
        security_opt=security.security_opt or None,
        tmpfs=tmpfs or UNSET,
        uts_mode=spec.uts_mode,
        userns_mode=spec.userns_mode,
        shm_size=spec.shm_size,
        sysctls=dict(security.sysctls) or UNSET,
        runtime=spec.runtime or machine.runtime,
        cpu_shares=limits.cpu_shares,
        memory=limits.memory,
        nano_cpus=limits.nano_cpus,
        cgroup_parent=spec.cgroup_parent,
        blkio_weight=limits.blkio_weight,
        blkio_weight_device=[WeightDeviceAnswer(path=d.path, weight=d.value) for d in limits.blkio_weight_device],
        blkio_device_read_bps=_throttles(limits.blkio_device_read_bps),
        blkio_device_write_bps=_throttles(limits.blkio_device_write_bps),
        blkio_device_read_iops=_throttles(limits.blkio_device_read_iops),
        blkio_device_write_iops=_throttles(limits.blkio_device_write_iops),
        cpu_period=limits.cpu_period,
        cpu_quota=limits.cpu_quota,
        cpu_realtime_period=limits.cpu_realtime_period,
        cpu_realtime_runtime=limits.cpu_realtime_runtime,
        cpuset_cpus=limits.cpuset_cpus,
        cpuset_mems=limits.cpuset_mems,
        devices=[_device(mapping) for mapping in limits.devices],
        device_cgroup_rules=limits.device_cgroup_rules or None,
        kernel_memory=0 if old else UNSET,
        kernel_memory_tcp=0 if old else UNSET,
        memory_reservation=limits.memory_reservation,
        memory_swap=limits.memory_swap,
        memory_swappiness=limits.memory_swappiness,
        oom_kill_disable=None if machine.cgroup_version == 2 else limits.oom_kill_disable,
        pids_limit=limits.pids_limit,
        ulimits=[UlimitAnswer(name=u.name, hard=u.hard, soft=u.soft) for u in limits.ulimits],
        mounts=[mount_answer(m) for m in spec.mounts if not m.from_binds] or UNSET,
        masked_paths=_paths(security.masked_paths, MASKED_PATHS, spec),
        readonly_paths=_paths(security.read_only_paths, READ_ONLY_PATHS, spec),
        init=UNSET if spec.process.init is None else spec.process.init,
    )


def _throttles(devices: Iterable[DeviceLimit]) -> list[ThrottleDeviceAnswer]:
    return [ThrottleDeviceAnswer(path=device.path, rate=device.value) for device in devices]


def _device(mapping: DeviceMapping) -> DeviceAnswer:
    return DeviceAnswer(
        path_on_host=mapping.host_path, path_in_container=mapping.path, cgroup_permissions=mapping.permissions
    )


def bind_text(mount: MountSpec) -> str:
    """Return a -v mount as it was written."""
    return ":".join(part for part in (mount.source, mount.target, mount.mode) if part)


def mount_answer(mount: MountSpec) -> MountAnswer:
    """Return a --mount mount as it was asked for."""
    return MountAnswer(
        type=mount.type.value,
        source=mount.source or UNSET,
        target=mount.target,
        read_only=(mount.read_only and mount.type is not MountType.IMAGE) or UNSET,
        bind_options=_bind_options(mount),
        volume_options=_volume_options(mount),
        tmpfs_options=_tmpfs_options(mount.tmpfs_options) if mount.tmpfs_options else UNSET,
        image_options=ImageOptionsAnswer(subpath=mount.subpath)
        if mount.type is MountType.IMAGE and mount.subpath
        else UNSET,
    )


def _bind_options(mount: MountSpec) -> BindOptionsAnswer | UnsetType:
    given = BindOptionsAnswer(
        propagation=mount.propagation or UNSET,
        non_recursive=not mount.recursive or UNSET,
        create_mountpoint=mount.make_source or UNSET,
        read_only_non_recursive=mount.read_only_depth is ReadOnly.TOP or UNSET,
        read_only_force_recursive=mount.read_only_depth is ReadOnly.FORCED or UNSET,
    )
    return UNSET if given == BindOptionsAnswer() else given


def _volume_options(mount: MountSpec) -> VolumeOptionsAnswer | UnsetType:
    driver = mount.volume_driver or mount.volume_options
    subpath = mount.subpath if mount.type is MountType.VOLUME else ""
    if not (mount.no_copy or mount.volume_labels or driver or subpath):
        return UNSET
    return VolumeOptionsAnswer(
        no_copy=mount.no_copy or UNSET,
        labels=dict(mount.volume_labels) or UNSET,
        driver_config=DriverConfigAnswer(name=mount.volume_driver or UNSET, options=dict(mount.volume_options) or UNSET)
        if driver
        else UNSET,
        subpath=subpath or UNSET,
    )


def _tmpfs_options(text: str) -> TmpfsOptionsAnswer:
    options = [option.split("=", 1) for option in text.split(",")]
    known = {option[0]: option[1] for option in options if len(option) == 2}
    size, mode = known.get("size", ""), known.get("mode", "")
    has_size, has_mode = size.isdigit(), re.fullmatch("[0-7]+", mode) is not None
    taken = {name for name, has in (("size", has_size), ("mode", has_mode)) if has}
    return TmpfsOptionsAnswer(
        size_bytes=int(size) if has_size else UNSET,
        mode=int(mode, 8) if has_mode else UNSET,
        options=[option for option in options if option[0] not in taken] or UNSET,
    )


def _paths(given: tuple[str, ...] | None, default: tuple[str, ...], spec: ContainerSpec) -> tuple[str, ...] | None:
    if given is not None:
        return given
    return None if spec.security.privileged else default
