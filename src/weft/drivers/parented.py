"""What macvlan and ipvlan have in common: endpoints are links upon an interface of the host, in their sandboxes."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from weft.drivers.bridge_options import ENABLE_IPV4, ENABLE_IPV6, MTU
from weft.drivers.contract import HostFacts
from weft.drivers.endpoint_options import endpoint_options
from weft.drivers.interface_names import free_name
from weft.drivers.labels import parse_bool, parse_mtu, read
from weft.drivers.parent import (
    PARENT,
    Family,
    check_parent,
    given_parent,
    parent_plan,
    parent_removal,
    parent_warnings,
)
from weft.model.address import Network
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Conflict, InvalidParameter
from weft.model.network import NetworkRecord, NetworkSpec
from weft.plan.operations import AddAddress, AddRoute, DeleteLink, Operation, SetSysctl
from weft.plan.plan import Plan

_COMMON = (PARENT, MTU, ENABLE_IPV4, ENABLE_IPV6)
_DEFAULT_ROUTE: dict[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}


class ParentedDriver(ABC):
    """Implements Driver, Routed, Linked and Parented, what the links are apart."""

    has_addresses = True
    name: str
    family: Family

    @abstractmethod
    def _link(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str) -> Operation:
        """Return what makes an endpoint's link."""

    def validate_endpoint(self, spec: EndpointSpec) -> None:
        endpoint_options(spec.driver_options)

    def without_gateway(self, spec: NetworkSpec) -> frozenset[int]:
        return frozenset({4, 6})  # the router is somebody else's: only a user can tell its address

    def create_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        return Plan(tuple(parent_plan(record, self.family, facts)))

    def delete_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        return Plan()

    def release_parent(self, record: NetworkRecord, others: Iterable[NetworkRecord], facts: HostFacts) -> Plan:
        return Plan(tuple(parent_removal(record, self.family, others, facts)))

    def restored(self, record: NetworkRecord, endpoints: Iterable[Endpoint], facts: HostFacts) -> Plan:
        return Plan()

    def warnings(self, record: NetworkRecord, facts: HostFacts) -> tuple[str, ...]:
        return parent_warnings(record, facts)

    def reserved(self, spec: NetworkSpec) -> tuple[str, ...]:
        return ()

    def is_isolated(self, spec: NetworkSpec) -> bool:
        return not given_parent(spec)

    def leaves_by_link(self, spec: NetworkSpec) -> bool:
        return False

    def gateways(self, record: NetworkRecord) -> tuple[IPv4Address | None, IPv6Address | None]:
        if self.is_isolated(record.spec):
            return None, None
        ipv4, ipv6 = (pool.gateway if (pool := record.pool_of(version)) else None for version in (4, 6))
        return ipv4 if isinstance(ipv4, IPv4Address) else None, ipv6 if isinstance(ipv6, IPv6Address) else None

    def gateway(
        self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, versions: Collection[int] = (4, 6)
    ) -> Plan:
        ways = ((endpoint.ipv4, endpoint.gateway_ipv4), (endpoint.ipv6, endpoint.gateway_ipv6))
        return Plan(
            tuple(
                AddRoute(_DEFAULT_ROUTE[interface.version], endpoint.sandbox_link, hop, sandbox)
                for interface, hop in ways
                if interface is not None and interface.version in versions and (hop is not None or endpoint.by_link)
            )
        )

    def host_link(self, endpoint_id: str) -> str:
        return ""

    def sandbox_link(self, record: NetworkRecord, spec: EndpointSpec, taken: Collection[str]) -> str:
        wanted = endpoint_options(spec.driver_options).interface_name
        if wanted in taken:
            raise Conflict(
                f"error renaming interface for network {record.name} to {wanted}: file exists: "
                "choose another com.docker.network.endpoint.ifname"
            )
        return wanted or free_name("eth", taken)

    def attach(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, spec: EndpointSpec) -> Plan:
        link = endpoint.sandbox_link
        operations = [self._link(record, endpoint, sandbox), *_ipv6_sysctls(record, link, sandbox)]
        addresses = (interface for interface in (endpoint.ipv4, endpoint.ipv6) if interface is not None)
        operations += [AddAddress(link, interface, sandbox) for interface in addresses]
        # Last, so that what a user sets holds against what is set above.
        sysctls = endpoint_options(spec.driver_options).sysctls_of(link)
        operations += [SetSysctl(key, value, sandbox) for key, value in sysctls]
        return Plan(tuple(operations))

    def detach(self, record: NetworkRecord, endpoint: Endpoint) -> Plan:
        """Return nothing: `leave` does it."""
        return Plan()

    def leave(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str) -> Plan:
        # At once, since the next endpoint may want the same MAC, or a parent in mode passthru for itself.
        return Plan((DeleteLink(endpoint.sandbox_link, sandbox, at_once=True),)) if endpoint.sandbox_link else Plan()


def check_options(spec: NetworkSpec, family: Family, *own: str) -> None:
    """Raise InvalidParameter for options that are neither the driver's `own` nor common, and for a bad parent."""
    known = sorted((*own, PARENT))
    unknown = sorted(spec.options.keys() - {*own, *_COMMON})
    if unknown:
        raise InvalidParameter(
            f"the {family.driver} driver does not know the option {', '.join(unknown)}: "
            f"it knows {', '.join(known)} and {MTU}"
        )
    read(spec.options, ENABLE_IPV4, parse_bool, True)
    read(spec.options, ENABLE_IPV6, parse_bool, False)
    mtu_of(spec)
    check_parent(spec.options.get(PARENT, ""), family)


def mtu_of(spec: NetworkSpec) -> int:
    """Return the MTU asked for, in bytes; 0 is the parent's."""
    return read(spec.options, MTU, parse_mtu, 0)


def choice(options: Mapping[str, str], label: str, known: Collection[str], default: str, fault: str) -> str:
    """Return an option's value; raises InvalidParameter with `fault`, in which {} is the value, and what is known."""
    value = options.get(label, "") or default
    if value not in known:
        raise InvalidParameter(f"{fault.format(value)} (known: {', '.join(known)})")
    return value


def _ipv6_sysctls(record: NetworkRecord, link: str, sandbox: str) -> list[Operation]:
    path = f"net/ipv6/conf/{link}"
    if record.pool_of(6) is None:
        return [SetSysctl(f"{path}/disable_ipv6", "1", sandbox, optional=True)]
    return [SetSysctl(f"{path}/{key}", value, sandbox) for key, value in (("disable_ipv6", "0"), ("accept_ra", "0"))]
