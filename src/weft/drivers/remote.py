"""Remote drivers' part that is Weft's own: what their answers leave to do in the kernel."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_network

from weft.drivers.contract import HostFacts
from weft.drivers.endpoint_options import own_options
from weft.drivers.interface_names import free_name
from weft.model.address import Interface
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Conflict
from weft.model.network import NetworkRecord, NetworkSpec
from weft.plan.operations import AddAddress, AddRoute, MoveLink, Operation, ReturnLink, SetSysctl
from weft.plan.plan import Plan

_PREFIX = "eth"
_DEFAULT_ROUTE = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


class RemotePlanner:
    """Implements Driver, Routed, Linked, Gatewayless and Remote over what a remote driver left on the records.

    `has_addresses` False is for drivers that do their own address management whatever the network asks for.
    """

    is_remote = True
    uses_gateway_network = True

    def __init__(self, name: str, *, has_addresses: bool = True) -> None:
        self.name = name
        self.has_addresses = has_addresses

    def validate(self, spec: NetworkSpec) -> None:
        """Options are the remote driver's to judge."""

    def validate_endpoint(self, spec: EndpointSpec) -> None:
        own_options(spec.driver_options)

    def create_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        return Plan()

    def delete_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        return Plan()

    def attach(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, spec: EndpointSpec) -> Plan:
        link = endpoint.sandbox_link
        if not link:
            return Plan()
        operations: list[Operation] = []
        if endpoint.source_link:
            operations += _moved(endpoint, sandbox)
        for route in endpoint.static_routes:
            operations.append(AddRoute(route.destination, link, route.next_hop, sandbox))
        sysctls = own_options(spec.driver_options).sysctls_of(link)
        return Plan((*operations, *(SetSysctl(key, value, sandbox) for key, value in sysctls)))

    def detach(self, record: NetworkRecord, endpoint: Endpoint) -> Plan:
        """Return nothing: an interface is returned by `returned`, before the driver forgets it."""
        return Plan()

    def returned(self, endpoint: Endpoint, sandbox: str) -> Plan:
        """Return what gives an interface that was moved into a sandbox back to the host, under its old name."""
        if not endpoint.source_link or not endpoint.sandbox_link:
            return Plan()
        return Plan((ReturnLink(endpoint.sandbox_link, endpoint.source_link, sandbox),))

    def host_link(self, endpoint_id: str) -> str:
        """Return "": what is in the host is the remote driver's own."""
        return ""

    def sandbox_link(self, record: NetworkRecord, spec: EndpointSpec, taken: Collection[str]) -> str:
        wanted = own_options(spec.driver_options).interface_name
        if wanted in taken:
            raise Conflict(
                f"error renaming interface for network {record.name} to {wanted}: file exists: "
                "choose another com.docker.network.endpoint.ifname"
            )
        return wanted or free_name(_PREFIX, taken)

    def without_gateway(self, spec: NetworkSpec) -> frozenset[int]:
        return frozenset()

    def gateways(self, record: NetworkRecord) -> tuple[IPv4Address | None, IPv6Address | None]:
        """Return none: each endpoint has those that the driver gave it."""
        return None, None

    def gateway(
        self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, versions: Collection[int] = (4, 6)
    ) -> Plan:
        operations: list[Operation] = []
        link = endpoint.sandbox_link
        ways = ((endpoint.ipv4, endpoint.gateway_ipv4), (endpoint.ipv6, endpoint.gateway_ipv6))
        for interface, hop in ways:
            if hop is None or hop.version not in versions or not link:
                continue
            if not _within_reach(endpoint, interface, hop):
                operations.append(AddRoute(ip_network(hop), link, None, sandbox))
            operations.append(AddRoute(_DEFAULT_ROUTE[hop.version], link, hop, sandbox))
        return Plan(tuple(operations))


def _moved(endpoint: Endpoint, sandbox: str) -> list[Operation]:
    link = endpoint.sandbox_link
    operations: list[Operation] = [MoveLink(endpoint.source_link, sandbox, link, endpoint.mac_address)]
    if endpoint.ipv6 is None:
        operations.append(SetSysctl(f"net/ipv6/conf/{link}/disable_ipv6", "1", sandbox, optional=True))
    else:
        keys = (("disable_ipv6", "0"), ("accept_ra", "0"))
        operations += [SetSysctl(f"net/ipv6/conf/{link}/{key}", value, sandbox) for key, value in keys]
    addresses = (interface for interface in (endpoint.ipv4, endpoint.ipv6) if interface is not None)
    return [*operations, *(AddAddress(link, interface, sandbox) for interface in addresses)]


def _within_reach(endpoint: Endpoint, interface: Interface | None, hop: IPv4Address | IPv6Address) -> bool:
    if hop.version == 6 and hop.is_link_local:
        return True
    if interface is not None and hop in interface.network:
        return True
    # A driver that sends no route to its own gateway but one on-link knows why; others get one.
    return any(
        route.next_hop is None and hop.version == route.destination.version and hop in route.destination
        for route in endpoint.static_routes
    )
