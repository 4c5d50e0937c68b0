"""HostConfig as requests carry it (Engine API v1.51); container_create.py and its parts make the model of it."""

from msgspec import field

from weft.api.wire.shapes import Integer, Request, Text, TextMap, Texts


class PortBinding(Request, frozen=True, kw_only=True):
    """One binding; HostPort is a port or a range, as text."""

    host_ip: Text = None
    host_port: Text = None


class RestartPolicyConfig(Request, frozen=True, kw_only=True):
    """RestartPolicy."""

    name: Text = None
    maximum_retry_count: Integer = None


class LogConfigConfig(Request, frozen=True, kw_only=True):
    """LogConfig."""

    type: Text = None
    config: TextMap = None


class UlimitConfig(Request, frozen=True, kw_only=True):
    """One entry of Ulimits."""

    name: Text = None
    soft: Integer = None
    hard: Integer = None


class WeightDevice(Request, frozen=True, kw_only=True):
    """One entry of BlkioWeightDevice."""

    path: Text = None
    weight: Integer = None


class ThrottleDevice(Request, frozen=True, kw_only=True):
    """One entry of BlkioDeviceReadBps and its like: bytes or operations a second."""

    path: Text = None
    rate: Integer = None


class DeviceConfig(Request, frozen=True, kw_only=True):
    """One entry of Devices."""

    path_on_host: Text = None
    path_in_container: Text = None
    cgroup_permissions: Text = None


class DeviceRequest(Request, frozen=True, kw_only=True):
    """One entry of DeviceRequests."""

    driver: Text = None
    count: Integer = None
    device_ids: Texts = field(name="DeviceIDs", default=None)
    capabilities: list[Texts] | None = None
    options: TextMap = None


class BindOptions(Request, frozen=True, kw_only=True):
    """Mounts[].BindOptions."""

    propagation: Text = None
    non_recursive: bool | None = None
    create_mountpoint: bool | None = None
    read_only_non_recursive: bool | None = None
    read_only_force_recursive: bool | None = None


class VolumeDriverConfig(Request, frozen=True, kw_only=True):
    """Mounts[].VolumeOptions.DriverConfig."""

    name: Text = None
    options: TextMap = None


class VolumeOptions(Request, frozen=True, kw_only=True):
    """Mounts[].VolumeOptions."""

    no_copy: bool | None = None
    labels: TextMap = None
    driver_config: VolumeDriverConfig | None = None
    subpath: Text = None


class TmpfsOptions(Request, frozen=True, kw_only=True):
    """Mounts[].TmpfsOptions; Options are [name] or [name, value]."""

    size_bytes: Integer = None
    mode: Integer = None
    options: list[list[str]] | None = None


class ImageOptions(Request, frozen=True, kw_only=True):
    """Mounts[].ImageOptions."""

    subpath: Text = None


class MountConfig(Request, frozen=True, kw_only=True):
    """One entry of Mounts."""

    type: Text = None
    source: Text = None
    target: Text = None
    read_only: bool | None = None
    consistency: Text = None
    bind_options: BindOptions | None = None
    volume_options: VolumeOptions | None = None
    tmpfs_options: TmpfsOptions | None = None
    image_options: ImageOptions | None = None


PortBindings = dict[str, list[PortBinding | None] | None] | None
ThrottleDevices = list[ThrottleDevice | None] | None


class HostConfig(Request, frozen=True, kw_only=True):
    """HostConfig with its Resources."""

    binds: Texts = None
    container_id_file: Text = field(name="ContainerIDFile", default=None)
    log_config: LogConfigConfig | None = None
    network_mode: Text = None
    port_bindings: PortBindings = None
    restart_policy: RestartPolicyConfig | None = None
    auto_remove: bool | None = None
    volume_driver: Text = None
    volumes_from: Texts = None
    mounts: list[MountConfig | None] | None = None
    console_size: list[int] | None = None
    annotations: TextMap = None
    cap_add: Texts = None
    cap_drop: Texts = None
    cgroupns_mode: Text = None
    dns: Texts = None
    dns_options: Texts = None
    dns_search: Texts = None
    extra_hosts: Texts = None
    group_add: Texts = None
    ipc_mode: Text = None
    cgroup: Text = None
    links: Texts = None
    oom_score_adj: Integer = None
    pid_mode: Text = None
    privileged: bool | None = None
    publish_all_ports: bool | None = None
    readonly_rootfs: bool | None = None
    security_opt: Texts = None
    storage_opt: TextMap = None
    tmpfs: TextMap = None
    uts_mode: Text = field(name="UTSMode", default=None)
    userns_mode: Text = None
    shm_size: Integer = None
    sysctls: TextMap = None
    runtime: Text = None
    isolation: Text = None
    masked_paths: Texts = None
    readonly_paths: Texts = None
    init: bool | None = None
    # Resources
    cpu_shares: Integer = None
    memory: Integer = None
    nano_cpus: Integer = None
    cgroup_parent: Text = None
    blkio_weight: Integer = None
    blkio_weight_device: list[WeightDevice | None] | None = None
    blkio_device_read_bps: ThrottleDevices = None
    blkio_device_write_bps: ThrottleDevices = None
    blkio_device_read_iops: ThrottleDevices = field(name="BlkioDeviceReadIOps", default=None)
    blkio_device_write_iops: ThrottleDevices = field(name="BlkioDeviceWriteIOps", default=None)
    cpu_period: Integer = None
    cpu_quota: Integer = None
    cpu_realtime_period: Integer = None
    cpu_realtime_runtime: Integer = None
    cpuset_cpus: Text = None
    cpuset_mems: Text = None
    devices: list[DeviceConfig | None] | None = None
    device_cgroup_rules: Texts = None
    device_requests: list[DeviceRequest | None] | None = None
    kernel_memory: Integer = None
    kernel_memory_tcp: Integer = field(name="KernelMemoryTCP", default=None)
    memory_reservation: Integer = None
    memory_swap: Integer = None
    memory_swappiness: Integer = None
    oom_kill_disable: bool | None = None
    pids_limit: Integer = None
    ulimits: list[UlimitConfig | None] | None = None
    cpu_count: Integer = None
    cpu_percent: Integer = None
    io_maximum_iops: Integer = field(name="IOMaximumIOps", default=None)
    io_maximum_bandwidth: Integer = field(name="IOMaximumBandwidth", default=None)
