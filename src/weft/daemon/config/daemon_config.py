"""The daemon's configuration as a frozen value; the names of its fields are dockerd's keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

from weft.daemon.config.host import DEFAULT_UNIX, Host, UnixHost
from weft.daemon.config.options import DEFAULT_CONFIG_FILE
from weft.model.address import Address, Network
from weft.model.container import LogConfig, Ulimit
from weft.model.exposure import OPEN, Exposure
from weft.model.mark import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonConfig:
    """Checked as a whole. `without_effect` has (key, reason) of what was given and makes no difference: log it."""

    config_file: str = DEFAULT_CONFIG_FILE
    hosts: tuple[Host, ...] = (UnixHost(DEFAULT_UNIX),)
    data_root: str = "/var/lib/weft"
    exec_root: str = "/run/weft"
    pidfile: str = "/run/weft/weft.pid"
    debug: bool = False
    log_level: str = "info"  # debug, info, warn, error or fatal
    log_format: str = "text"  # or json
    group: str = "docker"
    group_given: bool = False  # by the user: then it must exist
    tls: bool = False
    tlsverify: bool = False
    tlscacert: str = ""
    tlscert: str = ""
    tlskey: str = ""
    labels: tuple[str, ...] = ()  # key=value
    bridge: str = ""  # "none" for no default bridge
    bip: IPv4Interface | None = None
    bip6: IPv6Interface | None = None
    fixed_cidr: IPv4Network | None = None
    fixed_cidr_v6: IPv6Network | None = None
    default_gateway: IPv4Address | None = None
    default_gateway_v6: IPv6Address | None = None
    mtu: int = 0  # bytes; 0 where none was given
    ip: Address | None = None  # None: every address of the host
    ipv6: bool = False
    icc: bool = True
    ip_masq: bool = True
    ip_forward: bool = True
    userland_proxy: bool = True
    allow_direct_routing: bool = False
    bridge_accept_fwmark: Mark | None = None
    weft_publish: Exposure = OPEN
    default_address_pools: tuple[tuple[Network, int], ...] = ()  # (base, prefix length of the networks taken from it)
    default_network_opts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # driver -> option -> value
    dns: tuple[Address, ...] = ()
    dns_opts: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    host_gateway_ips: tuple[Address, ...] = ()  # at most one of each family
    default_ulimits: tuple[Ulimit, ...] = ()
    cpu_rt_period: int = 0  # microseconds; 0 leaves the containers' parent cgroup as it is
    cpu_rt_runtime: int = 0
    default_shm_size: int = 64 * 1024 * 1024  # bytes
    default_ipc_mode: str = "private"  # or shareable
    default_cgroupns_mode: str = ""  # host or private; "" where none was given
    log: LogConfig = field(default_factory=LogConfig)  # of containers: log-driver and log-opts
    registry_mirrors: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    http_proxy: str = field(default="", repr=False)  # may carry a password
    https_proxy: str = field(default="", repr=False)
    no_proxy: str = ""
    without_effect: tuple[tuple[str, str], ...] = ()
