"""host_access: a macvlan link of the host's own, since the kernel lets a parent and the links upon it not talk.

Docker has nothing like it; what administrators do by hand with `ip link add … type macvlan`.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_interface, ip_network

from weft.drivers.contract import HostFacts
from weft.drivers.labels import parse_bool, read
from weft.drivers.mac import mac_address
from weft.model.address import Interface, Network
from weft.model.endpoint import Endpoint
from weft.model.errors import Conflict
from weft.model.ids import short_id
from weft.model.network import NetworkRecord, NetworkSpec, Pool
from weft.plan.operations import AddAddress, AddRoute, CreateMacvlan, DeleteLink, DeleteRoute, Operation, SetSysctl

HOST_ACCESS = "host_access"  # the option's name
ADDRESS_NAME = "host_access"  # an auxiliary address of this name is the host's; without one the lowest free one is
# It answers for its own addresses alone, and asks with them: the parent is on the same wire (ip-sysctl.rst).
_SYSCTLS = {"arp_ignore": "1", "arp_announce": "2", "rp_filter": "2"}


def has_host_access(spec: NetworkSpec) -> bool:
    """Whether the host is to reach the network's endpoints, and they it."""
    return read(spec.options, HOST_ACCESS, parse_bool, False)


def access_link(record: NetworkRecord) -> str:
    """Return the name of the host's link: mv-<short id>."""
    return f"mv-{short_id(record.id)}"


def access_plan(record: NetworkRecord, parent: str, facts: HostFacts) -> list[Operation]:
    """Return what is missing of the host's link; raises Conflict where a route of the host is in the way."""
    name = access_link(record)
    link = facts.link(name)
    operations: list[Operation] = []
    if link is None:
        for pool in record.pools:
            if _is_routed_whole(pool) and pool.ip_range in facts.routes:
                raise Conflict(
                    f"{HOST_ACCESS}: the host has a route to {pool.ip_range} already: choose another --ip-range"
                )
        # Of the end of the id: of its beginning a bridge has made one.
        mac = mac_address(bytes.fromhex(record.id)[-6:])
        operations.append(CreateMacvlan(name, parent, mac=mac, alias=record.id))
    operations += [SetSysctl(f"net/ipv4/conf/{name}/{key}", value) for key, value in _SYSCTLS.items()]
    path = f"net/ipv6/conf/{name}"
    if record.pool_of(6) is None:
        operations.append(SetSysctl(f"{path}/disable_ipv6", "1", optional=True))
    else:
        operations += [SetSysctl(f"{path}/disable_ipv6", "0"), SetSysctl(f"{path}/accept_ra", "0")]
    present = link.addresses if link is not None else ()
    operations += [AddAddress(name, address) for address in _addresses(record) if address not in present]
    routed = (pool.ip_range for pool in record.pools if _is_routed_whole(pool) and pool.ip_range is not None)
    return operations + [AddRoute(subnet, name) for subnet in routed]


def access_removal(record: NetworkRecord, facts: HostFacts) -> list[Operation]:
    """Return what removes the host's link, and its routes with it."""
    name = access_link(record)
    return [DeleteLink(name)] if facts.link(name) is not None else []


def endpoint_routes(record: NetworkRecord, endpoint: Endpoint) -> Iterator[tuple[Network, str]]:
    """Yield the host's routes to one endpoint, destination and link; none where its whole range is routed already.

    The subnet itself cannot be routed: it is as a rule that of the parent too.
    """
    if not has_host_access(record.spec):
        return
    for interface in (endpoint.ipv4, endpoint.ipv6):
        if interface is None:
            continue
        ranges = [pool.ip_range for pool in record.pools if _is_routed_whole(pool)]
        if not any(span is not None and span.version == interface.version and interface.ip in span for span in ranges):
            yield ip_network(interface.ip), access_link(record)


def route_changes(record: NetworkRecord, endpoints: Iterable[Endpoint], facts: HostFacts) -> Iterator[Operation]:
    """Yield what brings the host's routes to single endpoints into agreement with the endpoints that there are."""
    if not has_host_access(record.spec):
        return
    name = access_link(record)
    link = facts.link(name)
    wanted = {subnet for endpoint in endpoints for subnet, _ in endpoint_routes(record, endpoint)}
    own = {address.network for address in _addresses(record)}  # IPv6 shows them among the routes
    present = {each for each in facts.routes_of(link.index) if each.num_addresses == 1} - own if link else set()
    yield from (DeleteRoute(subnet, name) for subnet in present - wanted)
    yield from (AddRoute(subnet, name) for subnet in wanted - present)


def _addresses(record: NetworkRecord) -> list[Interface]:
    given = (pool.aux_addresses.get(ADDRESS_NAME) for pool in record.pools)
    return [ip_interface(address) for address in given if address is not None]


def _is_routed_whole(pool: Pool) -> bool:
    return pool.ip_range is not None and pool.ip_range != pool.subnet
