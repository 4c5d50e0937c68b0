"""What a remote driver's answer leaves to do."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

import pytest

from weft.drivers.contract import Gatewayless, Linked, Remote, Routed
from weft.drivers.registry import built_in
from weft.drivers.remote import RemotePlanner
from weft.model.endpoint import Endpoint, EndpointSpec, StaticRoute
from weft.model.errors import Conflict, Forbidden, NotFound
from weft.model.network import NetworkRecord, NetworkSpec
from weft.plan.operations import AddAddress, AddRoute, MoveLink, ReturnLink, SetSysctl
from weft.plan.plan import Plan

RECORD = NetworkRecord(id="n", created=1, spec=NetworkSpec(name="net", driver="drv"))
PLANNER = RemotePlanner("drv")
SPEC = EndpointSpec()
ENDPOINT = Endpoint(
    id="e",
    network_id="n",
    ipv4=ip_interface("10.1.0.2/24"),
    mac_address="02:00:00:00:00:01",
    source_link="tap0",
    sandbox_link="eth0",
    gateway_ipv4=ip_address("10.1.0.1"),
    remote=True,
)


def test_it_is_all_that_the_engine_asks_for() -> None:
    for contract in (Remote, Routed, Linked, Gatewayless):
        assert isinstance(PLANNER, contract)


def test_an_interface_is_moved_named_and_addressed() -> None:
    assert PLANNER.attach(RECORD, ENDPOINT, "s", SPEC) == Plan(
        (
            MoveLink("tap0", "s", "eth0", "02:00:00:00:00:01"),
            SetSysctl("net/ipv6/conf/eth0/disable_ipv6", "1", "s", optional=True),
            AddAddress("eth0", ip_interface("10.1.0.2/24"), "s"),
        )
    )
    assert PLANNER.returned(ENDPOINT, "s") == Plan((ReturnLink("eth0", "tap0", "s"),))


def test_one_that_the_driver_moved_stays_where_it_is() -> None:
    moved = Endpoint(id="e", network_id="n", sandbox_link="eth0", remote=True)
    assert PLANNER.attach(RECORD, moved, "s", SPEC) == Plan()
    assert PLANNER.returned(moved, "s") == Plan()


def test_no_interface_no_plan() -> None:
    none = Endpoint(id="e", network_id="n", static_routes=(StaticRoute(destination=ip_network("10.0.0.0/8")),))
    assert PLANNER.attach(RECORD, none, "s", SPEC) == Plan()
    assert PLANNER.gateway(RECORD, none, "s") == Plan()


@pytest.mark.parametrize(
    ("hop", "routes", "on_link"),
    [("10.1.0.1", (), False), ("10.9.0.1", (), True), ("10.9.0.1", ("10.9.0.1/32",), False)],
)
def test_a_gateway_outside_the_subnet_gets_a_route(hop: str, routes: tuple[str, ...], on_link: bool) -> None:
    endpoint = Endpoint(
        id="e",
        network_id="n",
        ipv4=ip_interface("10.1.0.2/24"),
        sandbox_link="eth0",
        gateway_ipv4=ip_address(hop),
        static_routes=tuple(StaticRoute(destination=ip_network(each)) for each in routes),
    )
    default = AddRoute(ip_network("0.0.0.0/0"), "eth0", ip_address(hop), "s")
    direct = (AddRoute(ip_network(f"{hop}/32"), "eth0", None, "s"),) if on_link else ()
    assert PLANNER.gateway(RECORD, endpoint, "s") == Plan((*direct, default))
    assert PLANNER.gateway(RECORD, endpoint, "s", (6,)) == Plan()


def test_names_in_the_sandbox() -> None:
    assert PLANNER.sandbox_link(RECORD, SPEC, {"eth0"}) == "eth1"
    asked = EndpointSpec(driver_options={"com.docker.network.endpoint.ifname": "wan", "their.own": "x"})
    PLANNER.validate_endpoint(asked)
    assert PLANNER.sandbox_link(RECORD, asked, ()) == "wan"
    with pytest.raises(Conflict, match="file exists"):
        PLANNER.sandbox_link(RECORD, asked, {"wan"})


def test_names_of_records_are_planned_for_without_their_drivers() -> None:
    drivers = built_in()
    with pytest.raises(NotFound):
        drivers.get("drv")
    drivers.adopt("drv")
    assert isinstance(drivers.get("drv"), Remote)
    assert "drv" not in drivers.names
    drivers.adopt("bridge")
    assert not isinstance(drivers.get("bridge"), Remote)
    drivers.adopt("overlay")
    with pytest.raises(Forbidden):
        drivers.get("overlay")
