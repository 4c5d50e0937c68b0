"""The bridge driver's refusals and names; its plans are in tests/golden."""

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_network
from typing import Any

import pytest

from weft.drivers.bridge import BridgeDriver, bridge_name
from weft.drivers.contract import Driver, Exclusive, Linked, Routed, Segmented
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Conflict, Forbidden
from weft.model.network import NetworkRecord, NetworkSpec, Pool, PoolSpec
from weft.plan.operations import AddRoute, RaiseLink, SetSysctl
from weft.plan.plan import Plan

NAME = "com.docker.network.bridge.name"
DRIVER = BridgeDriver()


def network(digit: str, *subnets: str, **rest: Any) -> NetworkRecord:
    pools = tuple(Pool(subnet=ip_network(subnet), gateway=ip_network(subnet)[1]) for subnet in subnets)
    return NetworkRecord(id=digit * 64, created=0, spec=NetworkSpec(name=f"net-{digit}", **rest), pools=pools)


class Host:
    """A host with at most one interface of interest."""

    def __init__(self, kind: str = "", alias: str = "") -> None:
        self.kind, self.alias, self.addresses, self.up = kind, alias, (), True

    def link(self, name: str) -> "Host | None":
        return self if self.kind else None

    def link_names(self) -> tuple[str, ...]:
        return ()


def test_it_is_all_that_a_driver_can_be() -> None:
    driver: Driver = DRIVER
    assert all(isinstance(driver, contract) for contract in (Routed, Linked, Segmented, Exclusive))


def test_one_subnet_a_family() -> None:
    subnets = [PoolSpec(subnet=ip_network(text)) for text in ("10.0.0.0/24", "fd00::/64", "10.1.0.0/24")]
    DRIVER.validate(NetworkSpec(name="n", pools=tuple(subnets[:2])))
    with pytest.raises(Forbidden, match=r"^bridge driver doesn't support multiple subnets$"):
        DRIVER.validate(NetworkSpec(name="n", pools=tuple(subnets)))


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (network("a", "10.0.0.0/16"), network("b", "10.0.7.0/24"), "networks have overlapping IPv4"),
        (network("a", "10.0.0.0/16", "fd00::/48"), network("b", "fd00::/64"), "networks have overlapping IPv6"),
        (network("a", options={NAME: "br-bbbbbbbbbbbb"}), network("b"), "networks have same bridge name"),
    ],
)
def test_networks_that_cannot_stand_side_by_side(one: NetworkRecord, other: NetworkRecord, reason: str) -> None:
    with pytest.raises(Forbidden) as caught:
        DRIVER.check_conflicts(one, [network("c", "10.9.0.0/24"), other])
    assert caught.value.message == (
        f"cannot create network {one.id} ({bridge_name(one)}): conflicts with network {other.id} "
        f"({bridge_name(other)}): {reason}"
    )


def test_networks_that_can() -> None:
    others = [network("a", "10.0.0.0/16"), network("b", "10.1.0.0/16"), network("c", "10.0.0.0/16", driver="macvlan")]
    DRIVER.check_conflicts(network("a", "10.0.0.0/16"), others)


def test_an_interface_in_the_way() -> None:
    with pytest.raises(Conflict, match="network net-a: the host has an interface br-aaaaaaaaaaaa that is no bridge"):
        DRIVER.create_network(network("a", "10.0.0.0/24"), Host(kind="dummy"))


def test_a_named_bridge_that_was_there_before_is_kept() -> None:
    record = network("a", options={NAME: "mine"})
    assert not DRIVER.delete_network(record, Host(kind="bridge", alias="somebody"))
    assert not DRIVER.delete_network(record, Host())
    assert DRIVER.delete_network(record, Host(kind="bridge", alias=record.id))


def test_forwarding_is_left_alone_on_request() -> None:
    plan = BridgeDriver(ip_forward=False).create_network(network("a", "10.0.0.0/24", "fd00::/64"), Host())
    keys = {operation.key for operation in plan if isinstance(operation, SetSysctl)}
    assert not keys & {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"}
    assert "net/ipv4/conf/br-aaaaaaaaaaaa/route_localnet" in keys


def test_gateways() -> None:
    assert DRIVER.gateways(network("a", "10.0.0.0/24")) == (ip_address("10.0.0.1"), None)
    assert DRIVER.gateways(network("a", "fd00::/64")) == (None, ip_address("fd00::1"))
    assert DRIVER.gateways(network("a", "10.0.0.0/24", internal=True)) == (None, None)
    aux = {"DefaultGatewayIPv4": ip_address("10.0.0.254")}
    pool = Pool(subnet=ip_network("10.0.0.0/24"), gateway=ip_address("10.0.0.1"), aux_addresses=aux)
    record = NetworkRecord(id="a" * 64, created=0, spec=NetworkSpec(name="n"), pools=(pool,))
    assert DRIVER.gateways(record) == (ip_address("10.0.0.254"), None)


def test_no_gateway_address_where_no_bridge_address_is() -> None:
    mode = "com.docker.network.bridge.gateway_mode_ipv"
    isolated = NetworkSpec(name="n", internal=True, options={mode + "4": "isolated", mode + "6": "isolated"})
    inhibited = {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert DRIVER.without_gateway(isolated) == {4, 6}
    assert DRIVER.without_gateway(NetworkSpec(name="n", internal=True, options=inhibited)) == {4}
    assert DRIVER.without_gateway(NetworkSpec(name="n", options=inhibited)) == frozenset()


def endpoint(ipv4: str = "10.0.0.1", ipv6: str = "fd00::1") -> Endpoint:
    """An endpoint with these gateways."""
    return Endpoint(
        id="e" * 64,
        network_id="a" * 64,
        ipv4=IPv4Interface("10.0.0.2/24"),
        ipv6=IPv6Interface("fd00::2/64"),
        gateway_ipv4=IPv4Address(ipv4),
        gateway_ipv6=IPv6Address(ipv6),
        sandbox_link="eth1",
    )


def routes(plan: Plan) -> list[tuple[str, str]]:
    return [(str(each.destination), str(each.gateway)) for each in plan if isinstance(each, AddRoute)]


def test_default_routes_by_family() -> None:
    record = network("a", "10.0.0.0/24", "fd00::/64")
    assert routes(DRIVER.gateway(record, endpoint(), "box")) == [("0.0.0.0/0", "10.0.0.1"), ("::/0", "fd00::1")]
    assert routes(DRIVER.gateway(record, endpoint(), "box", {6})) == [("::/0", "fd00::1")]
    assert not DRIVER.gateway(record, endpoint(), "box", frozenset())


def test_a_gateway_outside_the_subnet_gets_a_route_of_its_own_first() -> None:
    record = network("a", "10.0.0.0/24", "fd00::/64")
    assert routes(DRIVER.gateway(record, endpoint("10.9.0.1", "fd09::1"), "box")) == [
        ("10.9.0.1/32", "None"),
        ("0.0.0.0/0", "10.9.0.1"),
        ("fd09::1/128", "None"),
        ("::/0", "fd09::1"),
    ]


def test_names_of_interfaces() -> None:
    record = network("a")
    assert DRIVER.host_link("0123456789abcdef" * 4) == "veth0123456789a"
    assert DRIVER.sandbox_link(record, EndpointSpec(), {"lo", "eth0", "eth2"}) == "eth1"
    prefixed = network("a", options={"com.docker.network.container_iface_prefix": "net"})
    assert DRIVER.sandbox_link(prefixed, EndpointSpec(), {"eth0"}) == "net0"
    wanted = EndpointSpec(driver_options={"com.docker.network.endpoint.ifname": "eth1"})
    assert DRIVER.sandbox_link(record, wanted, {"eth0"}) == "eth1"
    with pytest.raises(Conflict, match="error renaming interface for network net-a to eth1: file exists"):
        DRIVER.sandbox_link(record, wanted, {"eth1"})


@pytest.mark.parametrize("up", [True, False])
def test_a_bridge_of_the_host_is_brought_up(up: bool) -> None:
    host = Host("bridge")
    host.up = up
    plan = DRIVER.create_network(network("a", "10.0.0.0/24", options={NAME: "own0"}), host)
    assert (RaiseLink("own0") in plan) is not up
