"""macvlan, dummy and probed kinds of links, checked with iproute2 and with packets."""

from __future__ import annotations

import subprocess
from ipaddress import ip_interface

import pytest
from kernel_lab import Lab

from rig.kernel import has_links
from weft.kernel.netlink.link import UNFINISHED_GROUP
from weft.model.errors import SystemFailure
from weft.plan.operations import (
    AddAddress,
    CreateBridge,
    CreateDummy,
    CreateMacvlan,
    CreateSandbox,
    DeleteLink,
    DeleteSandbox,
    Operation,
    RequireLinks,
    SetAlias,
)

MAC = "02:42:0a:01:00:02"


def wire(lab: Lab) -> None:
    """A cable of which the lab has both ends; `eno1` is to be the parent, `far` the wire's other end."""
    lab.command("ip", "link", "add", "eno1", "type", "veth", "peer", "name", "far")
    for name in ("eno1", "far"):
        lab.command("ip", "link", "set", name, "up")


def endpoint(sandbox: str, address: str, **macvlan: str) -> tuple[Operation, ...]:
    link = CreateMacvlan("eth0", "eno1", sandbox, alias=f"ep-{sandbox}", **macvlan)  # type: ignore[arg-type]
    return (CreateSandbox(sandbox), link, AddAddress("eth0", ip_interface(address), sandbox))


def pings(lab: Lab, sandbox: str, address: str) -> bool:
    words = ["nsenter", f"--net={lab.kernel.sandbox_path(sandbox)}", "busybox", "ping", "-c1", "-W1", address]
    return bool(lab.call(lambda: subprocess.run(words, capture_output=True, check=False)).returncode == 0)


def test_a_macvlan_in_a_sandbox(lab: Lab) -> None:
    wire(lab)
    lab.apply(*endpoint("s1", "10.1.0.2/24", mac=MAC), *endpoint("s2", "10.1.0.3/24"))
    link = lab.links("s1")["eth0"]
    assert link["linkinfo"]["info_data"]["mode"] == "bridge"
    assert (link["address"], link["ifalias"], link["mtu"]) == (MAC, "ep-s1", 1500)
    assert "UP" in link["flags"]
    assert pings(lab, "s1", "10.1.0.3")
    assert "eth0" not in lab.links()


@pytest.mark.parametrize(("mode", "passes"), [("bridge", True), ("private", False), ("vepa", False)])
def test_modes_between_two_sandboxes(lab: Lab, mode: str, passes: bool) -> None:
    """The far end of the wire is no switch that would send a frame back by the port that it came in by."""
    wire(lab)
    lab.apply(*endpoint("s1", "10.1.0.2/24", mode=mode), *endpoint("s2", "10.1.0.3/24", mode=mode))
    assert pings(lab, "s1", "10.1.0.3") is passes


def test_passthru_has_the_parent_to_itself_and_its_mac(lab: Lab) -> None:
    wire(lab)
    parents = lab.links()["eno1"]["address"]
    lab.apply(*endpoint("s1", "10.1.0.2/24", mode="passthru"))
    assert lab.links("s1")["eth0"]["address"] == parents
    with pytest.raises(
        SystemFailure, match=r"cannot create macvlan eth0 on eno1 in sandbox s2: Invalid argument.* one endpoint"
    ):
        lab.apply(*endpoint("s2", "10.1.0.3/24", mode="passthru"))
    assert "s2" not in lab.run(lab.kernel.facts()).sandboxes


def test_a_mac_given_to_a_passthru_is_the_parent_s_until_it_goes(lab: Lab) -> None:
    wire(lab)
    parents = lab.links()["eno1"]["address"]
    lab.apply(*endpoint("s1", "10.1.0.2/24", mode="passthru", mac=MAC))
    assert lab.links("s1")["eth0"]["address"] == lab.links()["eno1"]["address"] == MAC
    lab.teardown(DeleteLink("eth0", "s1", at_once=True), DeleteSandbox("s1"))
    assert lab.links()["eno1"]["address"] == parents


def test_a_sandbox_that_goes_leaves_the_parent_at_once_to_the_next(lab: Lab) -> None:
    """Mode passthru tells: the parent takes the next link only when the last one is gone."""
    wire(lab)
    for turn in range(5):
        lab.apply(*endpoint(f"s{turn}", "10.1.0.2/24", mode="passthru"))
        lab.teardown(DeleteLink("eth0", f"s{turn}", at_once=True), DeleteSandbox(f"s{turn}"))
    assert lab.links()["eno1"].get("promiscuity", 0) == 0


def test_a_mac_that_is_about_to_be_free_is_waited_for(lab: Lab) -> None:
    """The kernel takes links of a namespace away on its own time, as after a crash."""
    wire(lab)
    lab.apply(*endpoint("s1", "10.1.0.2/24", mac=MAC))
    lab.teardown(DeleteSandbox("s1"))
    lab.apply(*endpoint("s2", "10.1.0.2/24", mac=MAC))
    assert lab.links("s2")["eth0"]["address"] == MAC


def test_a_mac_that_is_taken_is_refused_and_nothing_is_left(lab: Lab) -> None:
    wire(lab)
    lab.apply(*endpoint("s1", "10.1.0.2/24", mac=MAC))
    with pytest.raises(SystemFailure, match="another link of that parent has this MAC address: choose another"):
        lab.apply(*endpoint("s2", "10.1.0.3/24", mac=MAC))
    assert lab.run(lab.kernel.facts()).sandboxes == {"s1"}


def test_a_port_of_a_bridge_is_no_parent(lab: Lab) -> None:
    wire(lab)
    lab.apply(CreateBridge("br0"))
    lab.command("ip", "link", "set", "eno1", "master", "br0")
    with pytest.raises(SystemFailure, match=r"Device or resource busy.*the parent is a port of a bridge or a bond"):
        lab.apply(*endpoint("s1", "10.1.0.2/24"))
    assert not lab.run(lab.kernel.facts()).sandboxes


def test_a_parent_that_is_missing_or_down(lab: Lab) -> None:
    with pytest.raises(SystemFailure, match="cannot create macvlan eth0 on eno1 in sandbox s1: parent interface eno1"):
        lab.apply(*endpoint("s1", "10.1.0.2/24"))
    wire(lab)
    lab.command("ip", "link", "set", "eno1", "down")
    lab.apply(*endpoint("s1", "10.1.0.2/24"), *endpoint("s2", "10.1.0.3/24"))
    assert not pings(lab, "s1", "10.1.0.3")
    lab.command("ip", "link", "set", "eno1", "up")
    assert pings(lab, "s1", "10.1.0.3")


def test_mtus(lab: Lab) -> None:
    wire(lab)
    lab.apply(CreateSandbox("s1"), CreateMacvlan("eth0", "eno1", "s1", mtu=1400))
    assert lab.links("s1")["eth0"]["mtu"] == 1400
    with pytest.raises(SystemFailure, match="an MTU is at most the parent's"):
        lab.apply(CreateSandbox("s2"), CreateMacvlan("eth0", "eno1", "s2", mtu=9000))


def test_a_link_that_leads_nowhere_carries_what_is_upon_it(lab: Lab) -> None:
    lab.apply(CreateDummy("eno1", "network"))
    link = lab.links()["eno1"]
    assert link["ifalias"] == "network"
    assert link["linkinfo"]["info_kind"] in ("dummy", "ifb")
    lab.apply(*endpoint("s1", "10.1.0.2/24"), *endpoint("s2", "10.1.0.3/24"))
    assert pings(lab, "s1", "10.1.0.3")
    with pytest.raises(SystemFailure, match=r"cannot create dummy link eno1: File exists.*delete the link"):
        lab.apply(CreateDummy("eno1", "another"))
    assert lab.links()["eno1"]["ifalias"] == "network"


def test_a_macvlan_of_the_host_s_own_and_its_inverse(lab: Lab) -> None:
    wire(lab)
    link = CreateMacvlan("mv-1", "eno1", alias="network")
    lab.apply(link, AddAddress("mv-1", ip_interface("10.1.0.9/32")))
    assert lab.addresses("mv-1") == {"10.1.0.9/32"}
    facts = lab.run(lab.kernel.facts())
    assert facts.link("mv-1").lower == facts.link("eno1").index
    lab.apply(SetAlias("mv-1", "heir"))
    assert lab.links()["mv-1"]["ifalias"] == "heir"
    lab.apply(link.inverse)
    assert "mv-1" not in lab.links()


def test_what_a_killed_daemon_left_unfinished_goes_at_the_next_start(lab: Lab) -> None:
    wire(lab)
    lab.command("ip", "link", "add", "eno1.50", "link", "eno1", "type", "macvlan")
    lab.command("ip", "link", "set", "eno1.50", "group", str(UNFINISHED_GROUP))
    lab.restart()
    assert {"eno1", "far"} <= lab.links().keys()
    assert "eno1.50" not in lab.links()


def test_kinds_of_links_are_probed_elsewhere(lab: Lab) -> None:
    before = lab.links()
    for kind in ("macvlan", "veth", "bridge"):
        lab.apply(RequireLinks(kind))
    with pytest.raises(SystemFailure, match=r"^the kernel lacks links of kind nosuch: load its module$"):
        lab.apply(RequireLinks("nosuch"))
    assert lab.links() == before


@pytest.mark.parametrize(
    ("kind", "words"),
    [("ipvlan", "ipvlan links: enable CONFIG_IPVLAN"), ("vlan", "802.1q sub-interfaces: enable CONFIG_VLAN_8021Q")],
)
def test_a_kind_that_the_kernel_lacks_is_named_with_its_option(lab: Lab, kind: str, words: str) -> None:
    if has_links(kind):
        lab.apply(RequireLinks(kind))
        return
    with pytest.raises(SystemFailure, match=f"^the kernel lacks {words} or load its module$"):
        lab.apply(CreateDummy("dm-1"), RequireLinks(kind))
    assert "dm-1" not in lab.links()
