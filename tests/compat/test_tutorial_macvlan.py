"""The tutorial's section on macvlan and ipvlan, typed as it stands; `eth0` is the throw-away host's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.host import Host
from rig.internet import Internet
from rig.kernel import has_links

pytestmark = pytest.mark.weft_only("the reference engine of this machine is older than the page")

PUB_NET = r"""docker network create -d macvlan \
  --subnet=172.16.86.0/24 \
  --gateway=172.16.86.1 \
  -o parent=eth0 pub_net
"""
MACNET32 = r"""docker network create -d macvlan \
  --subnet=192.168.32.0/24 \
  --ip-range=192.168.32.128/25 \
  --gateway=192.168.32.254 \
  --aux-address="my-router=192.168.32.129" \
  -o parent=eth0 macnet32
"""
MACVLAN50 = r"""docker network create -d macvlan \
    --subnet=192.168.50.0/24 \
    --gateway=192.168.50.1 \
    -o parent=eth0.50 macvlan50
"""
IPVLAN210 = r"""docker network create -d ipvlan \
    --subnet=192.168.210.0/24 \
    --subnet=192.168.212.0/24 \
    --gateway=192.168.210.254 \
    --gateway=192.168.212.254 \
     -o ipvlan_mode=l2 ipvlan210
"""
MACVLAN216 = r"""docker network create -d macvlan \
    --subnet=192.168.216.0/24 --subnet=192.168.218.0/24 \
    --gateway=192.168.216.1 --gateway=192.168.218.1 \
    --subnet=2001:db8:abc8::/64 --gateway=2001:db8:abc8::10 \
     -o parent=eth0.218 \
     -o macvlan_mode=bridge macvlan216
"""


def typed(docker: Docker, line: str) -> str:
    done = docker.shell(line)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


@pytest.fixture
def wire(engine: Engine, internet: Internet) -> Iterator[Host]:
    """What is on the wire of `eth0`: the page's routers, at the far end of the host's cable."""
    near = engine.host.outer[0].rsplit(".", 1)
    far = f"{near[0]}.{int(near[1]) - 1}"
    name = re.search(rf"\d+: (\S+) +inet {re.escape(far)}/", internet.host.output("ip", "-o", "addr"))
    assert name is not None
    routers = ("172.16.86.1/24", "192.168.32.254/24", "192.168.50.1/24", "192.168.216.1/24", "192.168.218.1/24")
    for router in (*routers, "2001:db8:abc8::10/64"):
        flags = ["nodad"] if ":" in router else []
        internet.host.run(["ip", "addr", "add", router, "dev", name[1], *flags])
    yield internet.host
    for router in (*routers, "2001:db8:abc8::10/64"):
        internet.host.run(["ip", "addr", "del", router, "dev", name[1]])


@pytest.fixture
def sub_interfaces(engine: Engine) -> Iterator[None]:
    """`eth0.50` and `eth0.218` as an administrator made them; of another kind where the kernel has no 802.1q."""
    names = ("eth0.50", "eth0.218")
    for name in names:
        engine.host.run(["ip", "link", "add", "link", "eth0", "name", name, "type", "macvlan", "mode", "bridge"])
        engine.host.run(["ip", "link", "set", name, "up"])
    yield
    for name in names:
        engine.host.run(["ip", "link", "del", name])


def test_bridge_mode(docker: Docker, wire: Host) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}\n", typed(docker, PUB_NET))
    docker.out("run", "-dit", "--name", "web", "--network", "pub_net", "busybox", "httpd", "-f", "-h", "/etc")
    endpoint = docker.inspect("web")["NetworkSettings"]["Networks"]["pub_net"]
    assert (endpoint["IPAddress"], endpoint["Gateway"]) == ("172.16.86.2", "172.16.86.1")
    assert docker.out("run", "--rm", "--network", "pub_net", "busybox", "ping", "-c", "1", "web")
    docker.out("exec", "web", "ping", "-c", "1", "-W", "2", "172.16.86.1")
    # "making it appear to be a physical network interface directly connected to the physical network"
    assert wire.fetch("172.16.86.2", 80, "/hostname")
    neighbours = wire.output("ip", "neigh", "show", "172.16.86.2")
    assert endpoint["MacAddress"] in neighbours


def test_addresses_that_are_excluded(docker: Docker, wire: Host) -> None:
    typed(docker, MACNET32)
    shown = docker.inspect("network", "macnet32")
    assert shown["IPAM"]["Config"] == [
        {
            "Subnet": "192.168.32.0/24",
            "IPRange": "192.168.32.128/25",
            "Gateway": "192.168.32.254",
            "AuxiliaryAddresses": {"my-router": "192.168.32.129"},
        }
    ]
    assert shown["Options"] == {"parent": "eth0"}
    for name in ("one", "two"):
        docker.out("run", "-d", "--name", name, "--network", "macnet32", "busybox", "sleep", "1000")
    members = docker.inspect("network", "macnet32")["Containers"].values()
    assert {each["IPv4Address"] for each in members} == {"192.168.32.128/24", "192.168.32.130/24"}
    docker.out("exec", "two", "ping", "-c", "1", "-W", "2", "one")
    docker.out("exec", "two", "ping", "-c", "1", "-W", "2", "192.168.32.254")


def test_trunk_bridge_mode(docker_newest: Docker, engine: Engine) -> None:
    """A sub-interface that is made on the fly, where the kernel can; what passes through it is tested in tests/vm."""
    done = docker_newest.shell(MACVLAN50)
    if not has_links("vlan"):
        assert "the kernel lacks 802.1q sub-interfaces: enable CONFIG_VLAN_8021Q" in done.stderr
        assert "macvlan50" not in docker_newest.out("network", "ls")
        return
    assert done.returncode == 0, done.stderr
    assert "vlan protocol 802.1Q id 50" in engine.host.output("ip", "-d", "link", "show", "eth0.50")
    docker_newest.out("network", "rm", "macvlan50")
    assert "eth0.50" not in engine.host.output("ip", "link")


def test_trunk_bridge_mode_on_a_sub_interface_that_is_there(
    docker: Docker, engine: Engine, wire: Host, sub_interfaces: None
) -> None:
    typed(docker, MACVLAN50)
    docker.out("run", "--rm", "--network", "macvlan50", "busybox", "ping", "-c", "1", "-W", "2", "192.168.50.1")
    docker.out("network", "rm", "macvlan50")
    assert "eth0.50" in engine.host.output("ip", "link")


def test_an_ipvlan_instead(docker_newest: Docker) -> None:
    """Without a parent; in a kernel without ipvlan the refusal names the option that would bring it."""
    done = docker_newest.shell(IPVLAN210)
    if not has_links("ipvlan"):
        assert "the kernel lacks ipvlan links: enable CONFIG_IPVLAN or load its module" in done.stderr
        assert "ipvlan210" not in docker_newest.out("network", "ls")
        return
    assert done.returncode == 0, done.stderr
    docker_newest.out("run", "-d", "--name", "one", "--network", "ipvlan210", "busybox", "sleep", "1000")
    second = ("--network", "ipvlan210", "--ip", "192.168.212.10")
    docker_newest.out("run", "-d", "--name", "two", *second, "busybox", "sleep", "1000")
    docker_newest.out("run", "--rm", "--network", "ipvlan210", "busybox", "ping", "-c", "1", "one")


@pytest.mark.newer_cli  # without --ipv6 an older one says that there is none
def test_dual_stack(docker_newest: Docker, engine: Engine, wire: Host, sub_interfaces: None) -> None:
    """The IPv6 subnet is enough to have IPv6."""
    docker = docker_newest
    typed(docker, MACVLAN216)  # the CLI sends the subnets in any order
    config = docker.inspect("network", "macvlan216")["IPAM"]["Config"]
    assert {each["Gateway"] for each in config} == {"192.168.216.1", "192.168.218.1", "2001:db8:abc8::10"}
    docker.out("run", "-d", "--name", "one", "--network", "macvlan216", "--ip", "192.168.216.2", "busybox", "top")
    docker.out(
        *("run", "-d", "--name", "two", "--network", "macvlan216"),
        *("--ip", "192.168.218.10", "--ip6", "2001:db8:abc8::20", "busybox", "sleep", "1000"),
    )
    one, two = (docker.inspect(name)["NetworkSettings"]["Networks"]["macvlan216"] for name in ("one", "two"))
    assert (one["IPAddress"], one["Gateway"]) == ("192.168.216.2", "192.168.216.1")
    assert (two["IPAddress"], two["Gateway"]) == ("192.168.218.10", "192.168.218.1")
    assert one["IPv6Gateway"] == two["IPv6Gateway"] == "2001:db8:abc8::10"
    assert two["GlobalIPv6Address"] == "2001:db8:abc8::20"
    docker.out("exec", "one", "ping", "-c", "1", "-W", "2", "192.168.216.1")
    docker.out("exec", "two", "ping", "-c", "1", "-W", "2", "192.168.218.1")
    docker.out("exec", "two", "ping", "-6", "-c", "1", "-W", "2", "2001:db8:abc8::10")
    docker.out("exec", "two", "ping", "-6", "-c", "1", "-W", "2", one["GlobalIPv6Address"])
    for name, end in (("one", one), ("two", two)):
        assert f"default via {end['Gateway']} dev eth0" in docker.out("exec", name, "ip", "route")
