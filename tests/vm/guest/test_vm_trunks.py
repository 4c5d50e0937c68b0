"""802.1q trunks and ipvlan, which only Debian's own kernel has: who reaches whom, what is made and what goes again.

The neighbour is the rest of the wire. What the tutorial types is in test_vm_tutorial.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.host import Host


@pytest.fixture
def trunk(neighbour: Host) -> Iterator[Host]:
    """The neighbour, with 192.168.50.1 in VLAN 50."""
    neighbour.run(["ip", "link", "add", "link", "eth0", "name", "eth0.50", "type", "vlan", "id", "50"])
    neighbour.run(["ip", "link", "set", "eth0.50", "up"])
    neighbour.run(["ip", "addr", "add", "192.168.50.1/24", "dev", "eth0.50"])
    yield neighbour
    neighbour.run(["ip", "link", "del", "eth0.50"])


def run(docker: Docker, name: str, network: str, *arguments: str) -> dict[str, str]:
    docker.out("run", "-d", "--name", name, "--network", network, *arguments, "busybox", "sleep", "1000")
    found: dict[str, str] = docker.inspect(name)["NetworkSettings"]["Networks"][network]
    return found


def pings(docker: Docker, name: str, target: str) -> bool:
    family = "-6" if ":" in target else "-4"
    return docker("exec", name, "ping", family, "-c", "1", "-W", "3", target).returncode == 0


def links(engine: Engine) -> str:
    return engine.host.output("ip", "-d", "link")


def test_a_sub_interface_goes_with_the_last_of_its_networks(docker: Docker, engine: Engine, trunk: Host) -> None:
    for name, subnet in (("first", "192.168.50.0/24"), ("second", "10.50.0.0/24")):
        docker.out("network", "create", "-d", "macvlan", "--subnet", subnet, "-o", "parent=eth0.50", name)
    one = run(docker, "one", "first", "--ip", "192.168.50.9")
    trunk.run(["ping", "-c", "1", "-W", "3", one["IPAddress"]])
    docker.out("rm", "-f", "one")
    docker.out("network", "rm", "first")
    assert "eth0.50" in links(engine)  # the other network has it still
    engine.restart()
    docker.out("network", "rm", "second")
    assert eventually(lambda: "eth0.50" not in links(engine))
    assert "eth0@" in links(engine)


def test_a_sub_interface_comes_back_and_one_of_the_hosts_own_stays(docker: Docker, engine: Engine, trunk: Host) -> None:
    docker.out("network", "create", "-d", "macvlan", "--subnet", "192.168.50.0/24", "-o", "parent=eth0.50", "made")
    engine.stop()
    engine.host.run(["ip", "link", "del", "eth0.50"])  # as a boot would
    engine.start()
    run(docker, "one", "made", "--ip", "192.168.50.9")
    assert pings(docker, "one", "192.168.50.1")
    engine.host.run(["ip", "link", "add", "link", "eth0", "name", "eth0.60", "type", "vlan", "id", "60"])
    docker.out("network", "create", "-d", "macvlan", "--subnet", "10.60.0.0/24", "-o", "parent=eth0.60", "found")
    docker.out("network", "rm", "found")
    assert "eth0.60" in links(engine)
    engine.host.run(["ip", "link", "del", "eth0.60"])


def test_a_trunk_whose_base_is_down_comes_up_with_it(docker: Docker, engine: Engine, trunk: Host) -> None:
    engine.host.run(["ip", "link", "set", "eth0", "down"])
    docker.out("network", "create", "-d", "macvlan", "--subnet", "192.168.50.0/24", "-o", "parent=eth0.50", "n")
    run(docker, "one", "n", "--ip", "192.168.50.9")
    engine.host.run(["ip", "link", "set", "eth0", "up"])
    engine.host.run(["ip", "link", "set", "eth0.50", "up"])
    assert eventually(lambda: pings(docker, "one", "192.168.50.1"))


@pytest.mark.parametrize(("flag", "passes"), [("bridge", True), ("private", False), ("vepa", False)])
def test_ipvlan_l2_on_a_parent(docker: Docker, engine: Engine, neighbour: Host, flag: str, passes: bool) -> None:
    options = ("-o", "parent=eth0", "-o", "ipvlan_mode=l2", "-o", f"ipvlan_flag={flag}")
    subnets = ("--ipv6", "--subnet", "10.9.0.0/24", "--gateway", "10.9.0.2", "--subnet", "2001:db8:9::/64")
    docker.out("network", "create", "-d", "ipvlan", *options, *subnets, "n")
    one, two = (run(docker, name, "n", "--ip", f"10.9.0.{last}") for name, last in (("one", 9), ("two", 10)))
    assert (one["Gateway"], one["MacAddress"]) == ("10.9.0.2", "")
    assert pings(docker, "one", "10.9.0.2")
    neighbour.run(["ping", "-c", "1", "-W", "3", "10.9.0.9"])
    assert pings(docker, "one", two["IPAddress"]) is passes
    assert not pings(docker, "one", "10.9.0.1")  # the host itself
    mac = engine.host.output("cat", "/sys/class/net/eth0/address")
    assert docker.out("exec", "one", "cat", "/sys/class/net/eth0/address") == mac


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_ipvlan_l3_routes_between_its_subnets_and_out(docker: Docker, neighbour: Host, mode: str) -> None:
    options = ("-o", "parent=eth0", "-o", f"ipvlan_mode={mode}")
    docker.out(
        "network", "create", "-d", "ipvlan", *options, "--subnet", "10.61.0.0/24", "--subnet", "10.62.0.0/24", "n"
    )
    one = run(docker, "one", "n", "--ip", "10.61.0.9")
    run(docker, "two", "n", "--ip", "10.62.0.9")
    assert one["Gateway"] == ""
    assert re.search(r"^default dev eth0 ", docker.out("exec", "one", "ip", "route") + " ", re.MULTILINE)
    assert pings(docker, "one", "10.62.0.9")
    # the wire knows of the subnets what it is told: their way is the parent's own address
    neighbour.run(["ip", "route", "add", "10.61.0.0/24", "via", "10.9.0.1"])
    assert pings(docker, "one", "10.9.0.2")
    neighbour.run(["ping", "-c", "1", "-W", "3", "10.61.0.9"])
    neighbour.run(["ip", "route", "del", "10.61.0.0/24"])


def test_what_ipvlan_refuses(docker: Docker) -> None:
    docker.out("network", "create", "-d", "ipvlan", "--subnet", "10.61.0.0/24", "-o", "parent=eth0", "n")
    short = docker.inspect("network", "n")["Id"][:12]
    for driver in ("ipvlan", "macvlan"):
        refused = docker.fails("network", "create", "-d", driver, "-o", "parent=eth0", "second")
        assert "is already using parent interface eth0" in refused
        assert (f"network di-{short} is" in refused) is (driver == "ipvlan")
    refused = docker.fails("run", "--rm", "--network", "n", "--mac-address", "02:42:00:00:00:09", "busybox", "true")
    assert "ipvlan interfaces do not support custom mac address assignment" in refused
    run(docker, "one", "n")
    assert "endpoints" in docker.fails("network", "rm", "n")


def test_ipvlan_l3_beside_a_bridge(docker: Docker) -> None:
    """The default route is that of the gateway endpoint: by priority, and again once the other is gone."""
    docker.out("network", "create", "b")
    options = ("-o", "parent=eth0", "-o", "ipvlan_mode=l3")
    docker.out("network", "create", "-d", "ipvlan", *options, "--subnet", "10.61.0.0/24", "l3")
    docker.out("run", "-d", "--name", "one", "--network", "name=b,gw-priority=1", "--network", "l3", "busybox", "top")
    assert "default via 172." in docker.out("exec", "one", "ip", "route")
    docker.out("network", "disconnect", "b", "one")
    assert re.search(r"default dev eth\d", docker.out("exec", "one", "ip", "route"))
