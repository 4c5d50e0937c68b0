"""Links, addresses, routes and sandboxes, checked with iproute2."""

import asyncio
import os
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from kernel_lab import Lab

from weft.engine.contract.kernel import SandboxSockets
from weft.model.errors import InvalidParameter, SystemFailure
from weft.plan.operations import (
    AddAddress,
    AddRoute,
    CreateBridge,
    CreateSandbox,
    CreateVeth,
    DeleteAddress,
    DeleteLink,
    DeleteRoute,
    DeleteSandbox,
    Operation,
    SetSysctl,
)
from weft.plan.plan import Plan

MAC = "02:42:ac:11:00:02"
GATEWAY = ip_address("172.17.0.1")
BRIDGE = CreateBridge("br0", mtu=1450, mac="02:42:00:00:00:01", alias="net-1")
BRIDGE_ADDRESS = AddAddress("br0", ip_interface("172.17.0.1/16"))
DEFAULT = ip_network("0.0.0.0/0")


def endpoint(sandbox: str, host_link: str, address: str = "172.17.0.2/16") -> tuple[Operation, ...]:
    return (
        CreateVeth(host_link, sandbox, "eth0", MAC, "br0", mtu=1400, alias=f"ep-{sandbox}", isolated=True),
        AddAddress("eth0", ip_interface(address), sandbox),
        AddRoute(DEFAULT, "eth0", GATEWAY, sandbox),
    )


def eventually(condition: Callable[[], bool]) -> None:
    """The kernel takes links of a namespace away on its own time."""
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 5 s")


def test_bridge_with_address_and_its_inverse(lab: Lab) -> None:
    lab.apply(BRIDGE, BRIDGE_ADDRESS)
    bridge = lab.links()["br0"]
    assert bridge["linkinfo"]["info_kind"] == "bridge"
    assert (bridge["mtu"], bridge["address"], bridge["ifalias"]) == (1450, "02:42:00:00:00:01", "net-1")
    assert "UP" in bridge["flags"]
    assert bridge["addr_info"][0]["broadcast"] == "172.17.255.255"
    lab.apply(BRIDGE_ADDRESS.inverse)
    assert lab.addresses("br0") == set()
    lab.apply(BRIDGE.inverse)
    assert "br0" not in lab.links()


def test_sandbox_with_veth_address_and_route_in_one_plan(lab: Lab) -> None:
    lab.apply(BRIDGE, BRIDGE_ADDRESS, CreateSandbox("s1"), *endpoint("s1", "veth1"))
    host = lab.links()["veth1"]
    assert (host["master"], host["mtu"], host["ifalias"]) == ("br0", 1400, "ep-s1")
    assert host["linkinfo"]["info_slave_data"]["isolated"] is True
    inside = lab.links("s1")
    assert "UP" in inside["lo"]["flags"]
    assert (inside["eth0"]["address"], inside["eth0"]["mtu"]) == (MAC, 1400)
    assert "UP" in inside["eth0"]["flags"]
    assert lab.addresses("eth0", "s1") == {"172.17.0.2/16"}
    assert lab.ip("route", "show", "default", sandbox="s1")[0]["gateway"] == "172.17.0.1"
    lab.command("busybox", "ping", "-c1", "-W2", "172.17.0.1", sandbox="s1")


def test_ipv6_address_is_usable_at_once(lab: Lab) -> None:
    gateway, route = ip_address("fd00::1"), ip_network("::/0")
    lab.apply(CreateBridge("br0"), AddAddress("br0", ip_interface("fd00::1/64")), CreateSandbox("s1"))
    lab.apply(CreateVeth("veth1", "s1", "eth0", MAC, "br0"), AddAddress("eth0", ip_interface("fd00::2/64"), "s1"))
    lab.apply(AddRoute(route, "eth0", gateway, "s1"))
    found = next(entry for entry in lab.links("s1")["eth0"]["addr_info"] if entry["local"] == "fd00::2")
    assert "tentative" not in found
    assert lab.ip("-6", "route", "show", "default", sandbox="s1")[0]["gateway"] == "fd00::1"
    lab.apply(DeleteRoute(route, "eth0", gateway, "s1"))
    assert not lab.ip("-6", "route", "show", "default", sandbox="s1")
    lab.apply(DeleteAddress("eth0", ip_interface("fd00::2/64"), "s1"))
    assert lab.addresses("eth0", "s1") == set()


def test_route_is_replaced_and_deleted(lab: Lab) -> None:
    lab.apply(BRIDGE, BRIDGE_ADDRESS, CreateSandbox("s1"), *endpoint("s1", "veth1"))
    lab.apply(AddRoute(DEFAULT, "eth0", ip_address("172.17.0.9"), "s1"))
    assert [route["gateway"] for route in lab.ip("route", "show", "default", sandbox="s1")] == ["172.17.0.9"]
    on_link = AddRoute(ip_network("10.1.0.0/16"), "br0")
    lab.apply(on_link)
    assert lab.ip("route", "show", "10.1.0.0/16")[0]["scope"] == "link"
    lab.apply(on_link.inverse, DeleteRoute(DEFAULT, "eth0", ip_address("172.17.0.9"), "s1"))
    assert not lab.ip("route", "show", "10.1.0.0/16")
    assert not lab.ip("route", "show", "default", sandbox="s1")


def test_sandbox_has_the_sysctls_that_containers_expect(lab: Lab) -> None:
    lab.apply(*(CreateSandbox(f"s{number}") for number in range(7)))  # more than are in stock
    for number in range(7):
        assert lab.sysctl("net/ipv4/ip_unprivileged_port_start", f"s{number}") == "0"
        assert lab.sysctl("net/ipv4/ping_group_range", f"s{number}").split() == ["0", "2147483647"]
        assert lab.sysctl("net/ipv4/ip_forward", f"s{number}") == "1"


def test_sandboxes_are_apart(lab: Lab) -> None:
    lab.apply(CreateSandbox("s1"), CreateSandbox("s2"))
    one, two = (lab.command("readlink", "/proc/self/ns/net", sandbox=name) for name in ("s1", "s2"))
    assert len({one, two, lab.command("readlink", "/proc/self/ns/net")}) == 3
    assert lab.run(lab.kernel.facts()).sandboxes == {"s1", "s2"}


def test_deleted_sandbox_takes_its_links_away(lab: Lab) -> None:
    plan = (CreateSandbox("s1"), *endpoint("s1", "veth1"))
    lab.apply(BRIDGE, BRIDGE_ADDRESS, *plan)
    lab.apply(DeleteSandbox("s1"))
    assert lab.run(lab.kernel.facts()).sandboxes == frozenset()
    eventually(lambda: "veth1" not in lab.links())


def test_sysctls_of_host_and_sandbox(lab: Lab) -> None:
    lab.apply(CreateSandbox("s1"), CreateBridge("br0"))
    lab.apply(
        SetSysctl("net.ipv4.conf.br0.route_localnet", "1"),
        SetSysctl("net.ipv4.tcp_syncookies", "0", "s1"),
        SetSysctl("net/ipv6/conf/lo/disable_ipv6", "1", "s1"),
    )
    assert lab.sysctl("net/ipv4/conf/br0/route_localnet") == "1"
    assert lab.sysctl("net/ipv4/tcp_syncookies") == "1"
    assert lab.sysctl("net/ipv4/tcp_syncookies", "s1") == "0"
    assert lab.sysctl("net/ipv6/conf/lo/disable_ipv6", "s1") == "1"
    with pytest.raises(SystemFailure, match=r"cannot set sysctl net\.ipv4\.nonsense to '1': No such file"):
        lab.apply(SetSysctl("net.ipv4.nonsense", "1"))
    with pytest.raises(InvalidParameter, match=r"kernel\.hostname"):
        lab.apply(SetSysctl("kernel.hostname", "x"))


def test_failure_half_way_is_undone(lab: Lab) -> None:
    lab.apply(BRIDGE, BRIDGE_ADDRESS)
    bad = AddRoute(ip_network("10.0.0.0/8"), "eth0", ip_address("192.168.77.1"), "s1")
    with pytest.raises(
        SystemFailure, match=r"add route 10.0.0.0/8 via 192.168.77.1 .*sandbox s1: .*unreachable.*subnet"
    ):
        lab.apply(CreateSandbox("s1"), *endpoint("s1", "veth1"), bad)
    assert lab.run(lab.kernel.facts()).sandboxes == frozenset()
    assert set(lab.links()) == {"lo", "br0"}
    lab.apply(CreateSandbox("s1"), *endpoint("s1", "veth1"))


def test_failure_within_a_batch_undoes_its_neighbours(lab: Lab) -> None:
    before, after = (AddAddress("br0", ip_interface(text)) for text in ("10.1.0.1/24", "10.2.0.1/24"))
    lab.apply(BRIDGE, BRIDGE_ADDRESS)
    with pytest.raises(SystemFailure, match=r"add address 172.17.0.1/16 to br0: File exists"):
        lab.apply(before, BRIDGE_ADDRESS, after)
    assert lab.addresses("br0") == {"172.17.0.1/16"}


def test_undoing_restores_what_was_deleted_but_not_what_was_missing(lab: Lab) -> None:
    lab.apply(BRIDGE, BRIDGE_ADDRESS)
    with pytest.raises(SystemFailure, match="create bridge br0: File exists"):
        lab.apply(DeleteAddress("br0", ip_interface("10.9.0.1/24")), BRIDGE_ADDRESS.inverse, BRIDGE)
    assert lab.addresses("br0") == {"172.17.0.1/16"}


def test_failures_name_object_reason_and_remedy(lab: Lab) -> None:
    with pytest.raises(SystemFailure, match=r"create veth v1 .* bridge nope or sandbox s1: No such device"):
        lab.apply(CreateSandbox("s1"), CreateVeth("v1", "s1", "eth0", "", "nope"))
    with pytest.raises(SystemFailure, match=r"add address 10.0.0.1/8 to eth7: link eth7: No such device"):
        lab.apply(AddAddress("eth7", ip_interface("10.0.0.1/8")))
    with pytest.raises(SystemFailure, match=r"add address .* in sandbox gone: sandbox gone: No such file"):
        lab.apply(AddAddress("eth0", ip_interface("10.0.0.1/8"), "gone"))
    with pytest.raises(SystemFailure, match=r"create sandbox s1: File exists \(delete that sandbox first\)"):
        lab.apply(CreateSandbox("s1"), CreateSandbox("s1"))
    with pytest.raises(InvalidParameter):
        lab.apply(CreateSandbox("../s1"))


def test_deleting_what_is_not_there_is_no_error(lab: Lab) -> None:
    lab.apply(CreateSandbox("s1"))
    missing = (
        DeleteLink("nope"),
        DeleteAddress("lo", ip_interface("10.0.0.1/8")),
        DeleteAddress("nope", ip_interface("10.0.0.1/8")),
        DeleteRoute(ip_network("10.0.0.0/8"), "lo"),
        DeleteRoute(ip_network("fd00::/8"), "lo"),
        DeleteRoute(ip_network("10.0.0.0/8"), "nope", GATEWAY, "s1"),
        DeleteLink("nope", "s1"),
        DeleteLink("nope", "gone"),
        DeleteSandbox("gone"),
    )
    lab.apply(*missing)
    lab.teardown(*missing)


def test_two_hundred_operations_in_one_batch(lab: Lab) -> None:
    addresses = [AddAddress("br0", ip_interface(f"10.0.{number}.1/24")) for number in range(200)]
    lab.apply(CreateBridge("br0"), *addresses)
    assert len(lab.addresses("br0")) == 200
    with pytest.raises(SystemFailure, match=r"10\.0\.150\.1/24"):
        lab.apply(*(AddAddress("lo", ip_interface(f"10.1.{number}.1/24")) for number in range(200)), addresses[150])
    assert lab.addresses("lo") == {"127.0.0.1/8", "::1/128"}
    lab.apply(*(address.inverse for address in addresses))
    assert lab.addresses("br0") == set()


def test_teardown_goes_on_and_reports_all(lab: Lab) -> None:
    lab.apply(BRIDGE, BRIDGE_ADDRESS, CreateSandbox("s1"), *endpoint("s1", "veth1"))
    with pytest.raises(ExceptionGroup) as caught:
        lab.teardown(SetSysctl("net.nope.a", "1"), DeleteLink("br0"), SetSysctl("net.nope.b", "1"), DeleteSandbox("s1"))
    assert [str(error).split(":")[0] for error in caught.value.exceptions] == [
        "cannot set sysctl net.nope.a to '1'",
        "cannot set sysctl net.nope.b to '1'",
    ]
    assert "br0" not in lab.links()
    assert lab.run(lab.kernel.facts()).sandboxes == frozenset()


def test_a_refused_deletion_is_reported_and_the_others_done(lab: Lab) -> None:
    lab.apply(BRIDGE, BRIDGE_ADDRESS)
    with pytest.raises(ExceptionGroup) as caught:
        lab.teardown(DeleteLink("lo"), DeleteLink("br0"))
    (refused,) = caught.value.exceptions
    assert str(refused).startswith("cannot delete link lo")
    assert "br0" not in lab.links()


def test_teardown_of_an_endpoint_closes_its_port_at_once(lab: Lab) -> None:
    plan = endpoint("s1", "veth1")
    lab.apply(BRIDGE, BRIDGE_ADDRESS, CreateSandbox("s1"), *plan)
    lab.command("busybox", "ping", "-c1", "-W2", "172.17.0.1", sandbox="s1")
    keeper = lab.run(lab.kernel.open_dns_sockets("s1"))  # sockets keep the namespace, as a process would
    lab.teardown(DeleteLink("veth1"), DeleteSandbox("s1"))
    assert lab.links().get("veth1", {}).get("linkinfo", {}).get("info_slave_data", {}).get("state") in (
        None,
        "disabled",
    )
    assert lab.run(lab.kernel.facts()).link("veth1") is None
    eventually(lambda: "veth1" not in lab.links())
    _close(keeper)


def test_reconnecting_at_once_finds_the_name_free(lab: Lab) -> None:
    plan = endpoint("s1", "veth1")
    lab.apply(BRIDGE, BRIDGE_ADDRESS, CreateSandbox("s1"))
    for _ in range(5):
        lab.apply(*plan)
        lab.teardown(DeleteLink("veth1"))
    lab.apply(*plan)
    lab.command("busybox", "ping", "-c1", "-W2", "172.17.0.1", sandbox="s1")


def test_alias_of_a_link_that_was_there_stays(lab: Lab) -> None:
    lab.apply(BRIDGE)
    with pytest.raises(SystemFailure, match="create bridge br0: File exists"):
        lab.apply(CreateBridge("br0", alias="another"))
    assert lab.links()["br0"]["ifalias"] == "net-1"


def test_cancelled_plan_is_undone(lab: Lab) -> None:
    async def cancel() -> None:
        task = asyncio.create_task(lab.kernel.apply(Plan((BRIDGE, BRIDGE_ADDRESS, CreateSandbox("s1")))))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    lab.run(cancel())
    assert set(lab.links()) == {"lo"}
    assert lab.run(lab.kernel.facts()).sandboxes == frozenset()


def _close(sockets: SandboxSockets) -> None:
    os.close(sockets.udp)
    os.close(sockets.tcp)
