"""Networks: what a user asked for, and the record of what exists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from weft.model.address import Address
from weft.model.address import Network as Subnet


class Scope(StrEnum):
    """Where a network is known (Engine API `Scope`)."""

    LOCAL = "local"
    SWARM = "swarm"
    GLOBAL = "global"  # what a network plugin calls its networks that reach over several hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """One entry of IPAM.Config; `subnet` is None, or has an all-zero address, where the allocator is to choose it."""

    subnet: Subnet | None = None
    ip_range: Subnet | None = None
    gateway: Address | None = None
    aux_addresses: Mapping[str, Address] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """An allocated pool: the subnet, the part of it that endpoints get addresses from, and what is reserved."""

    subnet: Subnet
    ip_range: Subnet | None = None
    gateway: Address | None = None
    aux_addresses: Mapping[str, Address] = field(default_factory=dict)
    chosen: bool = False  # the allocator chose the subnet, the user did not
    handle: str = ""  # an IPAM driver's name for it, "" of the built-in one
    data: Mapping[str, str] = field(default_factory=dict)  # what an IPAM driver said of it


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenPool:
    """A pool that an IPAM driver outside gave for a network which is not recorded yet: a crash must not leak it."""

    driver: str
    pool: Pool

    @property
    def id(self) -> str:
        """What it is stored under."""
        return f"{self.driver}/{self.pool.handle}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """What `network create` asks for (Engine API v1.51 NetworkCreateRequest)."""

    name: str
    driver: str = "bridge"
    scope: Scope = Scope.LOCAL
    ipv4: bool = True
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    config_only: bool = False
    config_from: str = ""
    ipam_driver: str = "default"
    ipam_options: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[PoolSpec, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def leases_addresses(self) -> bool:
        """Whether endpoints get their addresses from a DHCP server on the wire."""
        return self.ipam_driver == "dhcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecord:
    """A network that exists. `created` is in nanoseconds since the epoch."""

    id: str
    created: int
    spec: NetworkSpec
    pools: tuple[Pool, ...] = ()
    predefined: bool = False  # bridge, host and none: made at start, never removed by a user
    mtu: int = 0  # bytes; that of the host's default route when it was made, 0 for networks of earlier versions
    driver_data: Mapping[str, str] = field(default_factory=dict)  # a remote driver's own, kept for it

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def driver(self) -> str:
        return self.spec.driver

    def pool_of(self, version: int) -> Pool | None:
        """Return the first pool of IP `version` 4 or 6, or None."""
        return next((pool for pool in self.pools if pool.subnet.version == version), None)
