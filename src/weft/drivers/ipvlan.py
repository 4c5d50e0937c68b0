"""The ipvlan driver: endpoints with addresses of their own behind the MAC of an interface of the host."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from weft.drivers.parent import IPVLAN, dummy_name, on_same_parent, parent_name
from weft.drivers.parented import ParentedDriver, check_options, choice, mtu_of
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Forbidden, InvalidParameter
from weft.model.network import NetworkRecord, NetworkSpec
from weft.plan.operations import CreateIpvlan, Operation

MODE = "ipvlan_mode"
FLAG = "ipvlan_flag"
_MODES = ("l2", "l3", "l3s")
_FLAGS = ("bridge", "private", "vepa")


class IpvlanDriver(ParentedDriver):
    """Implements Driver, Routed, Linked, Parented and Exclusive."""

    name = "ipvlan"
    family = IPVLAN

    def validate(self, spec: NetworkSpec) -> None:
        check_options(spec, IPVLAN, MODE, FLAG)
        _mode(spec)
        _flag(spec)

    def validate_endpoint(self, spec: EndpointSpec) -> None:
        super().validate_endpoint(spec)
        if spec.mac_address:
            raise InvalidParameter(
                "ipvlan interfaces do not support custom mac address assignment: they have their parent's; "
                "leave out --mac-address, or use macvlan"
            )

    def check_conflicts(self, record: NetworkRecord, others: Iterable[NetworkRecord]) -> None:
        for other in on_same_parent(record, others):
            named = dummy_name(other, IPVLAN) if other.driver == self.name else f"{other.driver} {other.name}"
            raise Forbidden(f"network {named} is already using parent interface {parent_name(other, IPVLAN)}")

    def gateways(self, record: NetworkRecord) -> tuple[IPv4Address | None, IPv6Address | None]:
        return (None, None) if _mode(record.spec) != "l2" else super().gateways(record)

    def leaves_by_link(self, spec: NetworkSpec) -> bool:
        return _mode(spec) != "l2" and not self.is_isolated(spec)

    def shares_mac(self, spec: NetworkSpec) -> bool:
        return True

    def _link(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str) -> Operation:
        return CreateIpvlan(
            name=endpoint.sandbox_link,
            parent=parent_name(record, IPVLAN),
            sandbox=sandbox,
            mode=_mode(record.spec),
            flag=_flag(record.spec),
            mtu=mtu_of(record.spec),
            alias=endpoint.id,
        )


def _mode(spec: NetworkSpec) -> str:
    fault = "requested ipvlan mode '{}' is not valid, 'l2' mode is the ipvlan driver default"
    return choice(spec.options, MODE, _MODES, "l2", fault)


def _flag(spec: NetworkSpec) -> str:
    fault = "requested ipvlan flag '{}' is not valid, 'bridge' is the ipvlan driver flag default"
    return choice(spec.options, FLAG, _FLAGS, "bridge", fault)
