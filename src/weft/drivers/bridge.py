"""The bridge driver: a Linux bridge a network, a veth pair an endpoint, the host as router."""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_interface, ip_network

from weft.drivers.bridge_host import bridge_address_changes, bridge_sysctls
from weft.drivers.bridge_options import DEFAULT_MTU, BridgeOptions, GatewayMode, bridge_options
from weft.drivers.bridge_shards import deletions, extension, shard_bridge, shard_size
from weft.drivers.contract import HostFacts, LinkFact
from weft.drivers.endpoint_options import endpoint_options
from weft.drivers.interface_names import free_name, veth_name
from weft.drivers.mac import mac_address, mac_of
from weft.model.address import Interface, Network
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Conflict, Forbidden
from weft.model.ids import short_id
from weft.model.network import NetworkRecord, NetworkSpec, Pool
from weft.model.segment import Segment
from weft.plan.operations import (
    AddAddress,
    AddRoute,
    AdvertiseAddresses,
    CreateBridge,
    CreateVeth,
    DeleteLink,
    Operation,
    RaiseLink,
    SetSysctl,
)
from weft.plan.plan import Plan

# Auxiliary addresses of these names are what endpoints get as their gateway, in place of the bridge's own address.
DEFAULT_GATEWAY_AUX = {4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6"}
_ADVERTISEMENTS = 3
_LINK_LOCAL_PREFIX = {4: 16, 6: 64}  # RFC 3927, 2.1; RFC 4291, 2.5.6
_DEFAULT_ROUTE: dict[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}


class BridgeDriver:
    """Implements Driver, Routed, Linked, Sharded, Segmented and Exclusive.

    Of daemon.json, `ip_forward`: whether a network turns the host's forwarding on; `direct_routing`: whether published
    ports are reached at the containers' own addresses too.
    """

    name = "bridge"
    has_addresses = True

    def __init__(self, *, ip_forward: bool = True, direct_routing: bool = False) -> None:
        self._ip_forward = ip_forward
        self._direct_routing = direct_routing

    def validate(self, spec: NetworkSpec) -> None:
        bridge_options(spec)
        for version in (4, 6):
            if sum(pool.subnet is not None and pool.subnet.version == version for pool in spec.pools) > 1:
                raise Forbidden("bridge driver doesn't support multiple subnets")

    def validate_endpoint(self, spec: EndpointSpec) -> None:
        endpoint_options(spec.driver_options)

    def without_gateway(self, spec: NetworkSpec) -> frozenset[int]:
        options = bridge_options(spec)
        isolated = {version for version in (4, 6) if options.mode(version) is GatewayMode.ISOLATED}
        inhibited = {4} if spec.internal and options.inhibit_ipv4 else set()
        return frozenset(isolated | inhibited)

    def check_conflicts(self, record: NetworkRecord, others: Iterable[NetworkRecord]) -> None:
        name = bridge_name(record)
        for other in others:
            if other.id == record.id or other.driver != self.name:
                continue
            reason = "networks have same bridge name" if bridge_name(other) == name else _overlap(record, other)
            if reason:
                raise Forbidden(
                    f"cannot create network {record.id} ({name}): conflicts with network "
                    f"{other.id} ({bridge_name(other)}): {reason}"
                )

    def create_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        options, name = bridge_options(record.spec), bridge_name(record)
        link = facts.link(name)
        if link is not None and link.kind != "bridge":
            raise Conflict(
                f"network {record.name}: the host has an interface {name} that is no bridge: "
                "rename it, or choose another com.docker.network.bridge.name"
            )
        operations: list[Operation] = []
        if link is None:
            # With an address given the kernel keeps it; its own would change with the bridge's ports.
            mac = mac_address(bytes.fromhex(short_id(record.id)))
            operations.append(CreateBridge(name, _mtu(record, options), mac, alias=record.id))
        elif not link.up:
            operations.append(RaiseLink(name))
        ours = link is None or _is_ours(record, link)
        operations += bridge_sysctls(
            record,
            name,
            ours=ours,
            ip_forward=self._ip_forward,
            routed_within=options.default_bridge and not options.icc,  # for links
        )
        present = link.addresses if link is not None else ()
        operations += bridge_address_changes(name, present, _bridge_addresses(record, options), ours=ours)
        return Plan(tuple(operations))

    def delete_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        name = bridge_name(record)
        link = facts.link(name)
        # A bridge that was there before is its owner's to remove.
        own = (DeleteLink(name),) if link is not None and _is_ours(record, link) else ()
        return Plan((*deletions(record, facts), *own))

    def gateways(self, record: NetworkRecord) -> tuple[IPv4Address | None, IPv6Address | None]:
        ipv4, ipv6 = (self._gateway_of(record, version) for version in (4, 6))
        return (
            ipv4 if isinstance(ipv4, IPv4Address) else None,
            ipv6 if isinstance(ipv6, IPv6Address) else None,
        )

    def _gateway_of(self, record: NetworkRecord, version: int) -> IPv4Address | IPv6Address | None:
        pool = record.pool_of(version)
        if pool is None or record.spec.internal:
            return None
        return pool.aux_addresses.get(DEFAULT_GATEWAY_AUX[version], pool.gateway)

    def shard_size(self, shard: int) -> int:
        return shard_size(shard)

    def host_link(self, endpoint_id: str) -> str:
        return veth_name(endpoint_id)

    def sandbox_link(self, record: NetworkRecord, spec: EndpointSpec, taken: Collection[str]) -> str:
        wanted = endpoint_options(spec.driver_options).interface_name
        if wanted in taken:
            raise Conflict(
                f"error renaming interface for network {record.name} to {wanted}: file exists: "
                "choose another com.docker.network.endpoint.ifname"
            )
        return wanted or free_name(bridge_options(record.spec).interface_prefix, taken)

    def attach(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, spec: EndpointSpec) -> Plan:
        options, link, own = bridge_options(record.spec), endpoint.sandbox_link, bridge_name(record)
        mtu = _mtu(record, options)
        operations: list[Operation] = [
            *extension(record, own, endpoint.shard, mtu=mtu, isolated=not options.icc),
            CreateVeth(
                name=endpoint.host_link,
                sandbox=sandbox,
                peer=link,
                mac=endpoint.mac_address,
                bridge=shard_bridge(record, own, endpoint.shard),
                mtu=mtu,
                alias=endpoint.id,
                isolated=not options.icc,
                # Where br_netfilter is on, the bridge itself redirects an endpoint to its own published port.
                hairpin=not record.spec.internal,
            ),
        ]
        operations += _sandbox_sysctls(record, link, sandbox)
        operations += [AddAddress(link, interface, sandbox) for interface in _endpoint_addresses(endpoint, spec)]
        # Last, so that what a user sets holds against what is set above.
        sysctls = endpoint_options(spec.driver_options).sysctls_of(link)
        operations += [SetSysctl(key, value, sandbox) for key, value in sysctls]
        operations += _advertisements(endpoint, options, sandbox)
        return Plan(tuple(operations))

    def detach(self, record: NetworkRecord, endpoint: Endpoint) -> Plan:
        return Plan((DeleteLink(endpoint.host_link),)) if endpoint.host_link else Plan()

    def gateway(
        self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, versions: Collection[int] = (4, 6)
    ) -> Plan:
        ways = ((endpoint.ipv4, endpoint.gateway_ipv4), (endpoint.ipv6, endpoint.gateway_ipv6))
        operations: list[Operation] = []
        for interface, hop in ways:
            if interface is None or hop is None or hop.version not in versions:
                continue
            if hop not in interface.network:  # daemon.json's default-gateway need not lie in the bridge's subnet
                operations.append(AddRoute(ip_network(hop), endpoint.sandbox_link, None, sandbox))
            operations.append(AddRoute(_DEFAULT_ROUTE[hop.version], endpoint.sandbox_link, hop, sandbox))
        return Plan(tuple(operations))

    def segment(self, record: NetworkRecord) -> Segment:
        options = bridge_options(record.spec)
        return Segment(
            network_id=record.id,
            bridge=bridge_name(record),
            subnets=tuple(pool.subnet for pool in record.pools),
            internal=record.spec.internal,
            icc=options.icc,
            masquerade=options.masquerade,
            source_ipv4=options.source_ipv4,
            source_ipv6=options.source_ipv6,
            unprotected=frozenset(v for v in (4, 6) if options.mode(v) is GatewayMode.NAT_UNPROTECTED),
            routed=frozenset(v for v in (4, 6) if options.mode(v) is GatewayMode.ROUTED),
            direct=self._direct_routing,
            trusted=options.trusted,
        )


def bridge_name(record: NetworkRecord) -> str:
    """Return the name of a network's bridge: the one asked for, or br-<short id>."""
    return bridge_options(record.spec).name or f"br-{short_id(record.id)}"


def _mtu(record: NetworkRecord, options: BridgeOptions) -> int:
    return options.mtu or record.mtu or DEFAULT_MTU


def _is_ours(record: NetworkRecord, link: LinkFact) -> bool:
    # The name br-<short id> is ours even where the engine died before it could write the alias.
    return link.alias == record.id or not bridge_options(record.spec).name


def _overlap(record: NetworkRecord, other: NetworkRecord) -> str:
    for version in (4, 6):
        pool, another = record.pool_of(version), other.pool_of(version)
        if pool is not None and another is not None and pool.subnet.overlaps(another.subnet):
            return f"networks have overlapping IPv{version}"
    return ""


def _bridge_addresses(record: NetworkRecord, options: BridgeOptions) -> list[Interface]:
    pools = [pool for version in (4, 6) if (pool := record.pool_of(version)) is not None]
    return [_gateway_interface(pool) for pool in pools if pool.gateway is not None and _has_address(pool, options)]


def _has_address(pool: Pool, options: BridgeOptions) -> bool:
    version = pool.subnet.version
    return options.mode(version) is not GatewayMode.ISOLATED and not (version == 4 and options.inhibit_ipv4)


def _gateway_interface(pool: Pool) -> Interface:
    return ip_interface(f"{pool.gateway}/{pool.subnet.prefixlen}")


def _sandbox_sysctls(record: NetworkRecord, link: str, sandbox: str) -> list[Operation]:
    path = f"net/ipv6/conf/{link}"
    if record.pool_of(6) is None:
        return [SetSysctl(f"{path}/disable_ipv6", "1", sandbox, optional=True)]
    return [SetSysctl(f"{path}/{key}", value, sandbox) for key, value in (("disable_ipv6", "0"), ("accept_ra", "0"))]


def _advertisements(endpoint: Endpoint, options: BridgeOptions, sandbox: str) -> list[Operation]:
    addresses = tuple(interface.ip for interface in (endpoint.ipv4, endpoint.ipv6) if interface is not None)
    count = options.advertisements
    if count is None:
        # every neighbour would be woken to hear what it knows already
        alone = endpoint.ipv6 is None  # an IPv6 address may come back with another MAC
        known = alone and endpoint.ipv4 is not None and endpoint.mac_address == mac_of(endpoint.ipv4.ip)
        count = 0 if known else _ADVERTISEMENTS
    if not addresses or not count:
        return []
    return [
        AdvertiseAddresses(
            endpoint.sandbox_link,
            endpoint.mac_address,
            addresses,
            count,
            options.advertise_interval,
            sandbox,
        )
    ]


def _endpoint_addresses(endpoint: Endpoint, spec: EndpointSpec) -> list[Interface]:
    link_local = [ip_interface(f"{address}/{_LINK_LOCAL_PREFIX[address.version]}") for address in spec.link_local]
    return [interface for interface in (endpoint.ipv4, endpoint.ipv6) if interface is not None] + link_local
