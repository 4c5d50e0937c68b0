"""Endpoints: a container's place on a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from weft.model.address import Address
from weft.model.address import Network as Subnet
from weft.model.port import PublishedPort


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSpec:
    """What a user asked of one attachment (Engine API v1.51 EndpointSettings, its configuration half)."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    link_local: tuple[Address, ...] = ()
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    driver_options: Mapping[str, str] = field(default_factory=dict)
    mac_address: str = ""
    gateway_priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRoute:
    """A route that a driver asks for in the sandbox; `next_hop` None is on-link."""

    destination: Subnet
    next_hop: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What an attachment got while its container runs. `mac_address` is lower case, colon separated."""

    id: str
    network_id: str
    ipv4: IPv4Interface | None = None
    ipv6: IPv6Interface | None = None
    gateway_ipv4: IPv4Address | None = None
    gateway_ipv6: IPv6Address | None = None
    mac_address: str = ""
    host_link: str = ""  # interface in the host's namespace, "" where the driver makes none
    sandbox_link: str = ""  # interface in the sandbox: eth0, eth1 …
    dns_names: tuple[str, ...] = ()  # container name, aliases, short id, hostname
    # What the network offers for names (DHCP, CNI): asked from inside, in place of the host's servers.
    dns_servers: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    leased: bool = False  # its address is on lease from a DHCP server
    beside_host: bool = False  # on a wire that the host's firewall does not see: no port is published there
    by_link: bool = False  # leads out by its link, without a next hop (ipvlan l3)
    shard: int = 0  # the part of its network that it is in, where one bridge does not hold all
    unsettled: bool = False  # being connected or disconnected: if a crash cuts that off, the next start takes it away
    # What only a remote driver's endpoint has (weft.engine.contract.remote).
    remote: bool = False
    source_link: str = ""  # interface of the host that is moved into the sandbox; "" where the driver moved its own
    static_routes: tuple[StaticRoute, ...] = ()
    disable_gateway_service: bool = False  # wants no docker_gwbridge although it has no gateway
    ports: tuple[PublishedPort, ...] = ()  # host ports that the driver forwards itself
    driver_data: Mapping[str, str] = field(default_factory=dict)  # the driver's own, kept for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A container's attachment to a network: kept while stopped (`endpoint` None), filled while running."""

    network_id: str
    network_name: str
    spec: EndpointSpec = EndpointSpec()
    endpoint: Endpoint | None = None
    implicit: bool = (
        False  # on docker_gwbridge for want of another way out: the engine's, while it runs, not the user's
    )
