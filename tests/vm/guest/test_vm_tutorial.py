"""The tutorial's macvlan section where it needs what not every kernel has, typed as it stands, with traffic."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rig.docker import Docker
from rig.host import Host
from rig.inside import Inside
from vm.guest.echo import fault, reaches

Place = Callable[..., Inside]
OnCable = Callable[..., None]


def links(host: Host) -> set[str]:
    """The names of a host's interfaces; those of gone containers go a moment later."""
    return {entry.name for entry in host.path("/sys/class/net").iterdir() if not entry.name.startswith("veth")}


def test_trunk(docker: Docker, host: Host, place: Place, on_cable: OnCable) -> None:
    before = links(host)
    on_cable("192.168.50.1/24", vlan=50)
    on_cable("192.168.50.9/24", vlan=60)
    on_cable("192.168.50.10/24")
    done = docker.shell("""
docker network create -d macvlan \\
    --subnet=192.168.50.0/24 \\
    --gateway=192.168.50.1 \\
    -o parent=eth0.50 macvlan50
""")
    assert done.returncode == 0, done.stderr
    assert links(host) == before | {"eth0.50"}
    assert "vlan protocol 802.1Q id 50" in host.output("ip", "-d", "link", "show", "eth0.50")
    one, two = place("one", "macvlan50"), place("two", "macvlan50")
    assert docker.inspect("two")["NetworkSettings"]["Networks"]["macvlan50"]["Gateway"] == "192.168.50.1"
    assert docker.inspect("one")["NetworkSettings"]["Networks"]["macvlan50"]["IPAddress"] == "192.168.50.2"
    assert reaches(one, "192.168.50.1")
    assert reaches(one, "192.168.50.3")
    assert docker.out("exec", "one", "ping", "-c", "1", "two").count("1 packets received") == 1
    # another VLAN, and no VLAN, on the same cable
    assert fault(two, "192.168.50.9", tries=3)
    assert fault(two, "192.168.50.10", tries=3)
    docker.out("rm", "-f", "one", "two")
    docker.out("network", "rm", "macvlan50")
    assert links(host) == before


def test_ipvlan(docker: Docker, host: Host, place: Place) -> None:
    before = links(host)
    done = docker.shell("""
docker network create -d ipvlan \\
    --subnet=192.168.210.0/24 \\
    --subnet=192.168.212.0/24 \\
    --gateway=192.168.210.254 \\
    --gateway=192.168.212.254 \\
     -o ipvlan_mode=l2 ipvlan210
""")
    assert done.returncode == 0, done.stderr
    pools = docker.inspect("network", "ipvlan210")["IPAM"]["Config"]
    assert {pool["Subnet"] for pool in pools} == {"192.168.210.0/24", "192.168.212.0/24"}
    # the CLI sends them in no order, so an address is named
    one, two = (
        place(f"{name}", "ipvlan210", "--ip", ip) for name, ip in (("one", "192.168.210.1"), ("two", "192.168.210.20"))
    )
    three = place("three", "ipvlan210", "--ip", "192.168.212.20")
    four = place("four", "ipvlan210", "--ip", "192.168.212.21")
    assert reaches(one, "192.168.210.20")
    assert reaches(two, "192.168.210.1")
    assert reaches(three, "192.168.212.21")
    assert docker.out("exec", "one", "ping", "-c", "1", "two").count("1 packets received") == 1
    assert fault(four, "192.168.210.20")  # from subnet to subnet is a router's work, and there is none
    docker.out("rm", "-f", "one", "two", "three", "four")
    docker.out("network", "rm", "ipvlan210")
    assert links(host) == before


@pytest.mark.newer_cli  # without --ipv6 an older one says that there is none
def test_dual_stack(docker: Docker, host: Host, place: Place, on_cable: OnCable) -> None:
    before = links(host)
    for address in ("192.168.216.1/24", "192.168.218.1/24", "2001:db8:abc8::10/64"):
        on_cable(address, vlan=218)
    done = docker.shell("""
docker network create -d macvlan \\
    --subnet=192.168.216.0/24 --subnet=192.168.218.0/24 \\
    --gateway=192.168.216.1 --gateway=192.168.218.1 \\
    --subnet=2001:db8:abc8::/64 --gateway=2001:db8:abc8::10 \\
     -o parent=eth0.218 \\
     -o macvlan_mode=bridge macvlan216
""")
    assert done.returncode == 0, done.stderr
    one = place("one", "macvlan216", "--ip", "192.168.216.20", "--ip6", "2001:db8:abc8::20")
    two = place("two", "macvlan216", "--ip", "192.168.218.20")
    assert reaches(one, "192.168.216.1")
    assert reaches(one, "2001:db8:abc8::10")
    assert reaches(one, "192.168.218.20")  # the neighbour routes
    assert reaches(two, "192.168.218.1")
    assert reaches(two, "2001:db8:abc8::20")
    docker.out("rm", "-f", "one", "two")
    docker.out("network", "rm", "macvlan216")
    assert links(host) == before


def test_macvlan_on_a_dummy(docker: Docker, host: Host, place: Place) -> None:
    host.run(["ip", "link", "add", "dummy7", "type", "dummy"])
    host.run(["ip", "link", "set", "dummy7", "up"])
    docker.out("network", "create", "-d", "macvlan", "--subnet=172.16.86.0/24", "-o", "parent=dummy7", "pub_net")
    docker.out("network", "create", "-d", "macvlan", "--subnet=172.16.87.0/24", "alone")
    own = "dm-" + docker.inspect("network", "alone")["Id"][:12]
    assert " dummy " in host.output("ip", "-d", "link", "show", own)
    one, _ = place("one", "pub_net"), place("two", "pub_net", "--ip", "172.16.86.20")
    assert reaches(one, "172.16.86.20")
    three, _ = place("three", "alone", "--ip", "172.16.87.10"), place("four", "alone", "--ip", "172.16.87.20")
    assert reaches(three, "172.16.87.20")
    assert fault(three, "10.9.0.2") == "Network is unreachable"
    docker.out("rm", "-f", "one", "two", "three", "four")
    docker.out("network", "rm", "pub_net", "alone")
    assert "dummy7" in links(host)
    assert own not in links(host)
    host.run(["ip", "link", "del", "dummy7"])
