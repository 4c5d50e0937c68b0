"""Parents of macvlan and ipvlan networks: made, shared, handed over, removed, refused."""

from __future__ import annotations

import pytest
from upper_world import A, B, C, Facts, Link, network

from weft.drivers.ipvlan import IpvlanDriver
from weft.drivers.macvlan import MacvlanDriver
from weft.drivers.parented import ParentedDriver
from weft.model.errors import Conflict, Forbidden, InvalidParameter
from weft.model.network import NetworkSpec
from weft.plan.operations import CreateDummy, CreateVlan, DeleteLink, RequireLinks, SetAlias

MACVLAN, IPVLAN = MacvlanDriver(), IpvlanDriver()
BOTH = pytest.mark.parametrize("driver", [MACVLAN, IPVLAN], ids=lambda driver: driver.name)
TRUNK = Facts((Link("eth0"), Link("eth0.50", 3, "vlan", alias=A, lower=2)))


@BOTH
def test_a_parent_that_is_there_is_used_as_it_is(driver: ParentedDriver) -> None:
    record = network(driver=driver.name, parent="eth0")
    assert list(driver.create_network(record, Facts())) == [RequireLinks(driver.name)]
    assert not driver.release_parent(record, [record], Facts())


@BOTH
def test_a_sub_interface_is_made_and_goes_with_its_network(driver: ParentedDriver) -> None:
    record = network(driver=driver.name, parent="eth0.50")
    assert list(driver.create_network(record, Facts())) == [
        RequireLinks(driver.name),
        RequireLinks("vlan"),
        CreateVlan("eth0.50", "eth0", 50, alias=A),
    ]
    assert list(driver.create_network(record, TRUNK)) == [RequireLinks(driver.name)]
    assert list(driver.release_parent(record, [record], TRUNK)) == [DeleteLink("eth0.50")]


def test_a_sub_interface_goes_with_the_last_network_only() -> None:
    first, second = network(A, parent="eth0.50"), network(B, parent="eth0.50")
    elsewhere = network(C, parent="eth0.51")
    assert list(MACVLAN.release_parent(first, [elsewhere, first, second], TRUNK)) == [SetAlias("eth0.50", B)]
    assert not MACVLAN.release_parent(second, [elsewhere, first, second], TRUNK)  # it is the first one's to remove


@pytest.mark.parametrize("alias", ["", "uplink", C])
def test_a_sub_interface_of_somebody_else_is_kept(alias: str) -> None:
    facts = Facts((Link("eth0"), Link("eth0.50", 3, "vlan", alias=alias, lower=2)))
    record = network(parent="eth0.50")
    assert not MACVLAN.release_parent(record, [record], facts)


@BOTH
@pytest.mark.parametrize("options", [{}, {"parent": "eth0"}], ids=["no parent", "internal"])
def test_without_a_parent_there_is_a_link_that_leads_nowhere(driver: ParentedDriver, options: dict[str, str]) -> None:
    record = network(A, driver.name, internal=bool(options), **options)
    name = {"macvlan": "dm", "ipvlan": "di"}[driver.name] + "-" + "a" * 12
    assert list(driver.create_network(record, Facts()))[1:] == [CreateDummy(name, alias=A)]
    assert list(driver.release_parent(record, [record], Facts((Link(name, 9),)))) == [DeleteLink(name)]
    assert driver.is_isolated(record.spec)
    assert driver.gateways(record) == (None, None)


@BOTH
@pytest.mark.parametrize(
    ("parent", "fault"),
    [
        ("eth7", "^-o parent interface was not found on the host: eth7"),
        ("eth7.5", "^-o parent interface was not found on the host: eth7$"),
        ("eth0.4095", "^vlan id must be between 1-4094, received: 4095$"),
    ],
)
def test_a_parent_that_is_missing(driver: ParentedDriver, parent: str, fault: str) -> None:
    with pytest.raises(InvalidParameter, match=fault):
        driver.create_network(network(driver=driver.name, parent=parent), Facts())


@BOTH
@pytest.mark.parametrize("name", ["lo", "a name", "far-too-long-a-name", "../eth0"])
def test_names_that_can_be_no_parent_s(driver: ParentedDriver, name: str) -> None:
    with pytest.raises(InvalidParameter):
        driver.validate(NetworkSpec(name="n", driver=driver.name, options={"parent": name}))


@pytest.mark.parametrize("kind", ["bridge", "bond", "team", "openvswitch"])
@BOTH
def test_a_port_of_a_bridge_or_a_bond_is_refused(driver: ParentedDriver, kind: str) -> None:
    facts = Facts((Link("eth0", master=8), Link("wan", 8, kind)))
    with pytest.raises(Conflict, match=f"parent interface eth0 is a port of the {kind} wan, .* use wan as parent"):
        driver.create_network(network(driver=driver.name, parent="eth0"), facts)


def test_an_interface_of_a_vrf_is_as_good_as_any() -> None:
    facts = Facts((Link("eth0", master=8), Link("red", 8, "vrf")))
    assert MACVLAN.create_network(network(parent="eth0"), facts)


@pytest.mark.parametrize(("driver", "other"), [(MACVLAN, "ipvlan"), (IPVLAN, "macvlan"), (MACVLAN, "ipvtap")])
def test_links_of_the_other_kind_are_refused(driver: ParentedDriver, other: str) -> None:
    facts = Facts((Link("eth0"), Link("theirs", 5, other, lower=2), Link("elsewhere", 6, driver.name, lower=2)))
    with pytest.raises(Conflict, match=r"parent interface eth0 carries the (ip|mac)vlan link theirs"):
        driver.create_network(network(driver=driver.name, parent="eth0"), facts)


def test_a_parent_that_is_down_is_worth_a_word() -> None:
    down = Facts((Link("eth0", up=False),))
    for parent in ("eth0", "eth0.50"):
        assert MACVLAN.warnings(network(parent=parent), down) == (
            "parent interface eth0 of network a is down: nothing passes before it is up",
        )
    assert not MACVLAN.warnings(network(parent="eth0"), Facts())
    assert not MACVLAN.warnings(network(), down)


def test_who_may_share_a_parent() -> None:
    parent = {"parent": "eth0"}
    MACVLAN.check_conflicts(network(A, **parent), [network(B, **parent), network(C, "bridge", **parent)])
    MACVLAN.check_conflicts(network(A, macvlan_mode="passthru", **parent), [network(B, parent="eth1"), network(C)])
    with pytest.raises(Forbidden, match=r"^ipvlan network b \(b+\) is already using parent interface eth0"):
        MACVLAN.check_conflicts(network(A, **parent), [network(B, "ipvlan", **parent)])
    with pytest.raises(Forbidden, match=r"^cannot use mode passthru, macvlan network b .* parent interface eth0$"):
        MACVLAN.check_conflicts(network(A, macvlan_mode="passthru", **parent), [network(B, **parent)])
    with pytest.raises(Forbidden, match=r"^macvlan network b .* using parent interface eth0 in mode passthru$"):
        MACVLAN.check_conflicts(network(A, **parent), [network(B, macvlan_mode="passthru", **parent)])
    with pytest.raises(Forbidden, match=r"^network di-bbbbbbbbbbbb is already using parent interface eth0$"):
        IPVLAN.check_conflicts(network(A, "ipvlan", **parent), [network(B, "ipvlan", **parent)])
    with pytest.raises(Forbidden, match=r"^network macvlan b is already using parent interface eth0$"):
        IPVLAN.check_conflicts(network(A, "ipvlan", **parent), [network(B, **parent)])
    IPVLAN.check_conflicts(network(A, "ipvlan"), [network(B, "ipvlan")])
