"""What the daemon's configuration means to the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from weft.model.address import Address, Interface, Network
from weft.model.container import LogConfig, Ulimit
from weft.model.exposure import OPEN, Exposure
from weft.model.mark import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultBridge:
    """The network `bridge`; `device` is "" for docker0, "none" for no default bridge."""

    device: str = ""
    bip: Interface | None = None
    bip6: Interface | None = None
    fixed_cidr: Network | None = None
    fixed_cidr_v6: Network | None = None
    gateway: Address | None = None
    gateway_v6: Address | None = None
    ipv6: bool = False
    icc: bool = True
    masquerade: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Frozen at start; a reload makes a new one. `mtu` 0 takes that of the default route's interface."""

    data_root: str
    exec_root: str
    host_id: str
    default_bridge: DefaultBridge = DefaultBridge()
    address_pools: tuple[tuple[Network, int], ...] = ()  # (base, prefix length of its subnets); empty: Docker's own
    network_options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # driver -> option -> value
    mtu: int = 0
    ip_forward: bool = True
    publish: Exposure = OPEN  # of ports for which neither container nor network says
    accepted_mark: Mark | None = None  # packets with it enter every network that is not internal
    host_binding: Address | None = None
    host_gateways: tuple[Address, ...] = ()
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    shm_size: int = 67108864  # bytes
    ipc_mode: str = "private"  # of containers that name none; or shareable
    cgroupns_mode: str = ""  # host or private; "" goes by the version of control groups
    log: LogConfig = field(default_factory=LogConfig)
    link_variables: bool = False  # legacy links bring environment variables, as Docker had them before 29
    stop_timeout: int = 10  # seconds that `stop` gives a container that names none
