"""Messages that make macvlan, ipvlan, 802.1q and dummy links, read back by pyroute2, which is not their author."""

from __future__ import annotations

from typing import Any

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from weft.kernel.netlink.link import (
    UNFINISHED_GROUP,
    create_dummy,
    create_ipvlan,
    create_macvlan,
    create_vlan,
    delete_unfinished,
    describe_link,
    probe_link,
    set_alias,
)
from weft.kernel.netlink.message import HEADER, Request
from weft.plan.operations import CreateDummy, CreateIpvlan, CreateMacvlan, CreateVlan, SetAlias

NEW_LINK, DELETE_LINK, CREATE_EXCLUSIVE, UP = 16, 17, 0x600, 1


def read(request: Request) -> Any:
    data = HEADER.pack(HEADER.size + len(request.body), request.kind, request.flags, 1, 0) + request.body
    message = ifinfmsg(data)
    message.decode()
    return message


def kind_and_data(message: Any) -> tuple[str, Any]:
    info = message.get_attr("IFLA_LINKINFO")
    return info.get_attr("IFLA_INFO_KIND"), info.get_attr("IFLA_INFO_DATA")


@pytest.mark.parametrize("mode", ["private", "vepa", "bridge", "passthru"])
def test_a_macvlan_is_made_in_the_sandbox_down(mode: str) -> None:
    operation = CreateMacvlan("eth0", "eno1", "box", mode, "02:42:0a:01:00:02", 1400)
    request = create_macvlan(operation, 7, 33)
    message = read(request)
    assert (request.kind, request.flags) == (NEW_LINK, CREATE_EXCLUSIVE)
    assert (message["flags"], message["change"]) == (0, 0)
    assert message.get_attr("IFLA_IFNAME") == "eth0"
    assert message.get_attr("IFLA_LINK") == 7
    assert message.get_attr("IFLA_NET_NS_FD") == 33
    assert message.get_attr("IFLA_MTU") == 1400
    assert message.get_attr("IFLA_ADDRESS") == "02:42:0a:01:00:02"
    kind, data = kind_and_data(message)
    assert (kind, data.get_attr("IFLA_MACVLAN_MODE")) == ("macvlan", mode)


def test_a_macvlan_of_the_host_s_own_leaves_out_what_was_not_asked_for() -> None:
    message = read(create_macvlan(CreateMacvlan("mv-1", "eno1"), 7, None))
    assert [name for name, _ in message["attrs"]] == ["IFLA_IFNAME", "IFLA_LINK", "IFLA_LINKINFO"]
    assert kind_and_data(message)[1].get_attr("IFLA_MACVLAN_MODE") == "bridge"


def test_a_passthru_s_mac_is_given_once_it_exists() -> None:
    passthru = CreateMacvlan("eth0", "eno1", "box", "passthru", "02:42:0a:01:00:02", alias="e")
    (described,) = describe_link(passthru)
    assert read(described).get_attr("IFLA_ADDRESS") == "02:42:0a:01:00:02"
    assert read(described).get_attr("IFLA_IFALIAS") == "e"
    bridge = CreateMacvlan("eth0", "eno1", "box", "bridge", "02:42:0a:01:00:02", alias="e")
    assert read(describe_link(bridge)[0]).get_attr("IFLA_ADDRESS") is None


@pytest.mark.parametrize(("mode", "number"), [("l2", 0), ("l3", 1), ("l3s", 2)])
@pytest.mark.parametrize(("flag", "bits"), [("bridge", 0), ("private", 1), ("vepa", 2)])
def test_an_ipvlan_has_mode_and_flag(mode: str, number: int, flag: str, bits: int) -> None:
    message = read(create_ipvlan(CreateIpvlan("eth1", "eno1", "box", mode, flag), 9, 34))
    assert message.get_attr("IFLA_IFNAME") == "eth1"
    assert message.get_attr("IFLA_LINK") == 9
    assert message.get_attr("IFLA_NET_NS_FD") == 34
    assert message.get_attr("IFLA_MTU") is None
    assert message.get_attr("IFLA_ADDRESS") is None
    kind, data = kind_and_data(message)
    assert kind == "ipvlan"
    # if_link.h: IFLA_IPVLAN_MODE = 1, IFLA_IPVLAN_FLAGS = 2, both of 16 bits
    assert data.get_attr("IFLA_IPVLAN_MODE") == number
    raw = create_ipvlan(CreateIpvlan("eth1", "eno1", "box", mode, flag), 9, 34).body
    assert bytes.fromhex(f"06000200{bits:02x}000000") in raw


@pytest.mark.parametrize("vid", [1, 50, 4094])
def test_a_vlan_is_unfinished_until_it_says_whose_it_is(vid: int) -> None:
    operation = CreateVlan("eno1.50", "eno1", vid, alias="network")
    message = read(create_vlan(operation, 7))
    assert message["flags"] == 0
    assert message.get_attr("IFLA_LINK") == 7
    assert message.get_attr("IFLA_GROUP") == UNFINISHED_GROUP
    kind, data = kind_and_data(message)
    assert (kind, data.get_attr("IFLA_VLAN_ID")) == ("vlan", vid)
    (described,) = describe_link(operation)
    assert described.flags == 0
    assert read(described).get_attr("IFLA_GROUP") == 0
    assert read(described).get_attr("IFLA_IFALIAS") == "network"


def test_what_a_killed_daemon_left_unfinished_is_deleted_by_its_group() -> None:
    request = delete_unfinished()
    assert request.kind == DELETE_LINK
    assert [tuple(pair) for pair in read(request)["attrs"]] == [("IFLA_GROUP", UNFINISHED_GROUP)]


@pytest.mark.parametrize("kind", ["dummy", "ifb"])
def test_a_link_that_leads_nowhere_is_up_at_once(kind: str) -> None:
    message = read(create_dummy(CreateDummy("dm-1", "network"), kind))
    assert (message["flags"], message["change"]) == (UP, UP)
    assert kind_and_data(message)[0] == kind


def test_an_alias_is_written_by_name() -> None:
    request = set_alias(SetAlias("eno1.50", "heir"))
    assert (request.kind, request.flags) == (NEW_LINK, 0)
    assert read(request).get_attr("IFLA_IFNAME") == "eno1.50"
    assert read(request).get_attr("IFLA_IFALIAS") == "heir"


def test_a_probe_names_nothing_but_the_kind() -> None:
    message = read(probe_link("wireguard"))
    assert [name for name, _ in message["attrs"]] == ["IFLA_IFNAME", "IFLA_LINKINFO"]
    assert kind_and_data(message)[0] == "wireguard"
