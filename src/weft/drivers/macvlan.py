"""The macvlan driver: endpoints with MACs of their own on the wire that an interface of the host is on."""

from collections.abc import Iterable

from weft.drivers.contract import HostFacts
from weft.drivers.host_access import (
    ADDRESS_NAME,
    HOST_ACCESS,
    access_plan,
    access_removal,
    endpoint_routes,
    has_host_access,
    route_changes,
)
from weft.drivers.labels import parse_bool, read
from weft.drivers.parent import MACVLAN, on_same_parent, parent_name
from weft.drivers.parented import ParentedDriver, check_options, choice, mtu_of
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Forbidden, InvalidParameter
from weft.model.network import NetworkRecord, NetworkSpec
from weft.plan.operations import AddRoute, CreateMacvlan, DeleteRoute, Operation
from weft.plan.plan import Plan

MODE = "macvlan_mode"
_MODES = ("bridge", "private", "vepa", "passthru")


class MacvlanDriver(ParentedDriver):
    """Implements Driver, Routed, Linked, Parented and Exclusive."""

    name = "macvlan"
    family = MACVLAN

    def validate(self, spec: NetworkSpec) -> None:
        check_options(spec, MACVLAN, MODE, HOST_ACCESS)
        mode = _mode(spec)
        if not read(spec.options, HOST_ACCESS, parse_bool, False):
            return
        if spec.ipam_driver not in ("", "default"):
            raise InvalidParameter(
                f"{HOST_ACCESS} takes an address of the network for the host, which the IPAM driver {spec.ipam_driver} "
                "does not give: leave out --ipam-driver"
            )
        if mode != "bridge":
            raise InvalidParameter(
                f"{HOST_ACCESS} needs macvlan_mode bridge: in mode {mode} the host's link would not hear the others"
            )

    def check_conflicts(self, record: NetworkRecord, others: Iterable[NetworkRecord]) -> None:
        for other in on_same_parent(record, others):
            parent = parent_name(other, MACVLAN)
            if other.driver != self.name:
                raise Forbidden(
                    f"{other.driver} network {other.name} ({other.id}) is already using parent interface {parent}: "
                    "an interface carries links of one kind; remove that network, or use another parent"
                )
            if _mode(record.spec) == "passthru":
                raise Forbidden(
                    f"cannot use mode passthru, macvlan network {other.name} ({other.id}) "
                    f"is already using parent interface {parent}"
                )
            if _mode(other.spec) == "passthru":
                raise Forbidden(
                    f"macvlan network {other.name} ({other.id}) is already using parent interface {parent} "
                    "in mode passthru"
                )

    def create_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        plan = super().create_network(record, facts)
        if not has_host_access(record.spec):
            return plan
        return plan + Plan(tuple(access_plan(record, parent_name(record, MACVLAN), facts)))

    def delete_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        return Plan(tuple(access_removal(record, facts)))

    def restored(self, record: NetworkRecord, endpoints: Iterable[Endpoint], facts: HostFacts) -> Plan:
        return Plan(tuple(route_changes(record, endpoints, facts)))

    def reserved(self, spec: NetworkSpec) -> tuple[str, ...]:
        return (ADDRESS_NAME,) if has_host_access(spec) else ()

    def shares_mac(self, spec: NetworkSpec) -> bool:
        return _mode(spec) == "passthru"

    def attach(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, spec: EndpointSpec) -> Plan:
        routes = (AddRoute(subnet, link) for subnet, link in endpoint_routes(record, endpoint))
        return super().attach(record, endpoint, sandbox, spec) + Plan(tuple(routes))

    def leave(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str) -> Plan:
        routes = (DeleteRoute(subnet, link) for subnet, link in endpoint_routes(record, endpoint))
        return Plan(tuple(routes)) + super().leave(record, endpoint, sandbox)

    def _link(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str) -> Operation:
        return CreateMacvlan(
            name=endpoint.sandbox_link,
            parent=parent_name(record, MACVLAN),
            sandbox=sandbox,
            mode=_mode(record.spec),
            mac=endpoint.mac_address,
            mtu=mtu_of(record.spec),
            alias=endpoint.id,
        )


def _mode(spec: NetworkSpec) -> str:
    fault = "requested macvlan mode '{}' is not valid, 'bridge' mode is the macvlan driver default"
    return choice(spec.options, MODE, _MODES, "bridge", fault)
