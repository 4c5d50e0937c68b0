"""802.1q trunks and ipvlan, which only Debian's own kernel has: who reaches whom, what is made and what goes again.

The neighbour is the rest of the wire. What the tutorial types is in test_vm_tutorial.py, the options of ipvlan and
restarts in test_vm_ipvlan.py.
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


def test_a_trunk_whose_base_is_down_comes_up_with_it(docker: Docker, engine: Engine, trunk: Host) -> None:
    engine.host.run(["ip", "link", "set", "eth0", "down"])
    docker.out("network", "create", "-d", "macvlan", "--subnet", "192.168.50.0/24", "-o", "parent=eth0.50", "n")
    run(docker, "one", "n", "--ip", "192.168.50.9")
    engine.host.run(["ip", "link", "set", "eth0", "up"])
    engine.host.run(["ip", "link", "set", "eth0.50", "up"])
    assert eventually(lambda: pings(docker, "one", "192.168.50.1"))


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


@pytest.mark.newer_cli
def test_ipvlan_l3_beside_a_bridge(docker: Docker) -> None:
    """The default route is that of the gateway endpoint: by priority, and again once the other is gone."""
    docker.out("network", "create", "b")
    options = ("-o", "parent=eth0", "-o", "ipvlan_mode=l3")
    docker.out("network", "create", "-d", "ipvlan", *options, "--subnet", "10.61.0.0/24", "l3")
    docker.out("run", "-d", "--name", "one", "--network", "name=b,gw-priority=1", "--network", "l3", "busybox", "top")
    assert "default via 172." in docker.out("exec", "one", "ip", "route")
    docker.out("network", "disconnect", "b", "one")
    assert re.search(r"default dev eth\d", docker.out("exec", "one", "ip", "route"))
