"""The macvlan and ipvlan drivers: options, gateways, endpoints, the host's own way in."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from upper_world import A, Facts, Link, network, pool

from weft.drivers.gateway import choose_gateways
from weft.drivers.ipvlan import IpvlanDriver
from weft.drivers.macvlan import MacvlanDriver
from weft.drivers.parented import ParentedDriver
from weft.model.endpoint import Attachment, Endpoint, EndpointSpec
from weft.model.errors import Conflict, InvalidParameter
from weft.model.network import NetworkSpec
from weft.plan.operations import (
    AddAddress,
    AddRoute,
    CreateIpvlan,
    CreateMacvlan,
    DeleteLink,
    DeleteRoute,
    SetSysctl,
)

MACVLAN, IPVLAN = MacvlanDriver(), IpvlanDriver()
ENDPOINT = Endpoint(
    id="e" * 64,
    network_id=A,
    ipv4=ip_interface("10.1.0.2/24"),  # type: ignore[arg-type]
    mac_address="02:42:0a:01:00:02",
    sandbox_link="eth0",
)
DUAL = (pool("10.1.0.0/24", gateway="10.1.0.1"), pool("fd01::/64", gateway="fd01::1"))


@pytest.mark.parametrize(
    ("driver", "options", "fault"),
    [
        (MACVLAN, {"macvlan_mode": "l2"}, "requested macvlan mode 'l2' is not valid, 'bridge' mode is the macvlan"),
        (IPVLAN, {"ipvlan_mode": "l4"}, "requested ipvlan mode 'l4' is not valid, 'l2' mode is the ipvlan driver"),
        (IPVLAN, {"ipvlan_flag": "x"}, "requested ipvlan flag 'x' is not valid, 'bridge' is the ipvlan driver flag"),
        (MACVLAN, {"ipvlan_mode": "l2"}, "does not know the option ipvlan_mode: it knows host_access, macvlan_mode, p"),
        (IPVLAN, {"host_access": "1"}, "ipvlan driver does not know the option host_access: it knows ipvlan_flag, ip"),
        (MACVLAN, {"macvlan_mode": "private", "host_access": "true"}, "host_access needs macvlan_mode bridge"),
        (MACVLAN, {"host_access": "maybe"}, "failed to parse host_access value: maybe"),
        (MACVLAN, {"com.docker.network.driver.mtu": "x"}, "failed to parse com.docker.network.driver.mtu value: x"),
        (MACVLAN, {"com.docker.network.bridge.name": "b"}, "does not know the option com.docker.network.bridge.name"),
    ],
)
def test_options_that_are_refused(driver: ParentedDriver, options: dict[str, str], fault: str) -> None:
    with pytest.raises(InvalidParameter, match=fault):
        driver.validate(NetworkSpec(name="n", driver=driver.name, options=options))


def test_host_access_needs_weft_s_own_addresses() -> None:
    with pytest.raises(InvalidParameter, match="which the IPAM driver dhcp does not give: leave out --ipam-driver"):
        MACVLAN.validate(NetworkSpec(name="n", ipam_driver="dhcp", options={"host_access": "true"}))


def test_options_that_are_known() -> None:
    for mode in ("bridge", "private", "vepa", "passthru", ""):
        MACVLAN.validate(NetworkSpec(name="n", options={"macvlan_mode": mode, "parent": "eth0"}))
    for mode in ("l2", "l3", "l3s"):
        for flag in ("bridge", "private", "vepa"):
            IPVLAN.validate(NetworkSpec(name="n", options={"ipvlan_mode": mode, "ipvlan_flag": flag}))


def test_no_gateway_is_chosen_and_a_given_one_is_told() -> None:
    assert MACVLAN.without_gateway(NetworkSpec(name="n")) == {4, 6}
    assert MACVLAN.gateways(network(A, "macvlan", *DUAL, parent="eth0")) == (
        ip_address("10.1.0.1"),
        ip_address("fd01::1"),
    )
    assert MACVLAN.gateways(network(A, "macvlan", pool("10.1.0.0/24"), parent="eth0")) == (None, None)
    assert MACVLAN.gateways(network(A, "macvlan", *DUAL)) == (None, None)
    assert IPVLAN.gateways(network(A, "ipvlan", *DUAL, parent="eth0", ipvlan_mode="l3s")) == (None, None)


def test_a_macvlan_endpoint() -> None:
    record = network(A, "macvlan", parent="eth0", macvlan_mode="vepa", **{"com.docker.network.driver.mtu": "1400"})
    spec = EndpointSpec(driver_options={"com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1"})
    assert list(MACVLAN.attach(record, ENDPOINT, "box", spec)) == [
        CreateMacvlan("eth0", "eth0", "box", "vepa", "02:42:0a:01:00:02", 1400, "e" * 64),
        SetSysctl("net/ipv6/conf/eth0/disable_ipv6", "1", "box", optional=True),
        AddAddress("eth0", ip_interface("10.1.0.2/24"), "box"),
        SetSysctl("net/ipv4/conf/eth0/log_martians", "1", "box"),
    ]
    assert list(MACVLAN.leave(record, ENDPOINT, "box")) == [DeleteLink("eth0", "box", at_once=True)]
    assert MACVLAN.host_link("e" * 64) == ""


def test_an_ipvlan_endpoint() -> None:
    record = network(A, "ipvlan", *DUAL, parent="eth0", ipvlan_mode="l3", ipvlan_flag="private")
    endpoint = replace(ENDPOINT, mac_address="", ipv6=ip_interface("fd01::2/64"), by_link=True)  # type: ignore[arg-type]
    assert list(IPVLAN.attach(record, endpoint, "box", EndpointSpec())) == [
        CreateIpvlan("eth0", "eth0", "box", "l3", "private", 0, "e" * 64),
        SetSysctl("net/ipv6/conf/eth0/disable_ipv6", "0", "box"),
        SetSysctl("net/ipv6/conf/eth0/accept_ra", "0", "box"),
        AddAddress("eth0", ip_interface("10.1.0.2/24"), "box"),
        AddAddress("eth0", ip_interface("fd01::2/64"), "box"),
    ]
    assert list(IPVLAN.gateway(record, endpoint, "box")) == [
        AddRoute(ip_network("0.0.0.0/0"), "eth0", None, "box"),
        AddRoute(ip_network("::/0"), "eth0", None, "box"),
    ]
    assert IPVLAN.leaves_by_link(record.spec)
    assert not IPVLAN.leaves_by_link(network(A, "ipvlan", ipvlan_mode="l3").spec)
    assert not IPVLAN.leaves_by_link(network(A, "ipvlan", parent="eth0").spec)


def test_an_endpoint_that_leads_out_by_its_link_is_the_gateway_s_equal() -> None:
    """As one with a next hop: by priority, then by name."""
    l3, bridge = network("a" * 64, "ipvlan", parent="eth0", ipvlan_mode="l3"), network("b" * 64, "bridge")
    out = replace(ENDPOINT, network_id=l3.id, by_link=True)
    hop = replace(ENDPOINT, network_id=bridge.id, gateway_ipv4=ip_address("10.2.0.1"))  # type: ignore[arg-type]

    def chosen(priority: int) -> str | None:
        preferred = EndpointSpec(gateway_priority=priority)
        pairs = [
            (l3, Attachment(network_id=l3.id, network_name=l3.name, endpoint=out)),
            (bridge, Attachment(network_id=bridge.id, network_name=bridge.name, spec=preferred, endpoint=hop)),
        ]
        return choose_gateways(pairs).ipv4

    assert chosen(0) == l3.id
    assert chosen(1) == bridge.id


def test_macs() -> None:
    with pytest.raises(InvalidParameter, match=r"^ipvlan interfaces do not support custom mac address assignment"):
        IPVLAN.validate_endpoint(EndpointSpec(mac_address="02:42:0a:01:00:02"))
    MACVLAN.validate_endpoint(EndpointSpec(mac_address="02:42:0a:01:00:02"))
    assert IPVLAN.shares_mac(network(A, "ipvlan").spec)
    assert MACVLAN.shares_mac(network(macvlan_mode="passthru").spec)
    assert not MACVLAN.shares_mac(network().spec)


def test_interface_names() -> None:
    named = EndpointSpec(driver_options={"com.docker.network.endpoint.ifname": "lan0"})
    assert MACVLAN.sandbox_link(network(), EndpointSpec(), {"eth0"}) == "eth1"
    assert MACVLAN.sandbox_link(network(), named, ()) == "lan0"
    with pytest.raises(Conflict, match="file exists"):
        MACVLAN.sandbox_link(network(), named, {"lan0"})


ACCESS = {"parent": "eth0", "host_access": "true"}
LINK = "mv-" + "a" * 12


def test_host_access_routes_the_range_where_there_is_one() -> None:
    ranged = pool("10.1.0.0/24", "10.1.0.128/25", aux={"host_access": "10.1.0.129"})
    record = network(A, "macvlan", ranged, **ACCESS)
    plan = list(MACVLAN.create_network(record, Facts()))
    assert CreateMacvlan(LINK, "eth0", mac="aa:aa:aa:aa:aa:aa", alias=A) in plan
    assert plan[-2:] == [AddAddress(LINK, ip_interface("10.1.0.129/32")), AddRoute(ip_network("10.1.0.128/25"), LINK)]
    inside = replace(ENDPOINT, ipv4=ip_interface("10.1.0.130/24"))  # type: ignore[arg-type]
    assert not [each for each in MACVLAN.attach(record, inside, "box", EndpointSpec()) if isinstance(each, AddRoute)]
    # an address that a user chose outside the range has a route of its own
    assert AddRoute(ip_network("10.1.0.2/32"), LINK) in list(MACVLAN.attach(record, ENDPOINT, "box", EndpointSpec()))
    assert DeleteRoute(ip_network("10.1.0.2/32"), LINK) in list(MACVLAN.leave(record, ENDPOINT, "box"))


def test_host_access_never_routes_the_whole_subnet_which_is_the_parent_s() -> None:
    for span in ("", "10.1.0.0/24"):
        record = network(A, "macvlan", pool("10.1.0.0/24", span, aux={"host_access": "10.1.0.9"}), **ACCESS)
        assert not [each for each in MACVLAN.create_network(record, Facts()) if isinstance(each, AddRoute)]
        assert AddRoute(ip_network("10.1.0.2/32"), LINK) in list(MACVLAN.attach(record, ENDPOINT, "b", EndpointSpec()))


def test_host_access_is_repaired_and_removed() -> None:
    record = network(A, "macvlan", pool("10.1.0.0/24", aux={"host_access": "10.1.0.9"}), **ACCESS)
    there = Facts((Link("eth0"), Link(LINK, 3, "macvlan", lower=2, addresses=(ip_interface("10.1.0.9/32"),))))
    repairs = list(MACVLAN.create_network(record, there))
    assert not [each for each in repairs if isinstance(each, CreateMacvlan | AddAddress)]
    assert list(MACVLAN.delete_network(record, there)) == [DeleteLink(LINK)]
    assert not MACVLAN.delete_network(record, Facts())


def test_host_access_leaves_the_host_s_routes_alone() -> None:
    record = network(A, "macvlan", pool("10.1.0.0/24", "10.1.0.128/25"), **ACCESS)
    with pytest.raises(Conflict, match=r"host has a route to 10.1.0.128/25 already: choose another --ip-range"):
        MACVLAN.create_network(record, Facts(routes=(ip_network("10.1.0.128/25"),)))


def test_host_access_s_routes_are_brought_into_agreement_with_the_endpoints() -> None:
    pools = (pool("10.1.0.0/24", aux={"host_access": "10.1.0.9"}), pool("fd01::/64", aux={"host_access": "fd01::9"}))
    record = network(A, "macvlan", *pools, **ACCESS)
    routed = tuple(map(ip_network, ("10.1.0.7/32", "fd01::9/128", "fe80::/64")))
    facts = Facts((Link("eth0"), Link(LINK, 3, "macvlan", lower=2)), routed)
    assert list(MACVLAN.restored(record, [ENDPOINT], facts)) == [
        DeleteRoute(ip_network("10.1.0.7/32"), LINK),
        AddRoute(ip_network("10.1.0.2/32"), LINK),
    ]
    assert list(MACVLAN.restored(record, [ENDPOINT], Facts())) == [AddRoute(ip_network("10.1.0.2/32"), LINK)]
    assert not MACVLAN.restored(network(parent="eth0"), [ENDPOINT], facts)
