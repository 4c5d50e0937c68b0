"""ipvlan, option by option, with traffic between containers and with a neighbour at the other end of the cable."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rig.docker import CLIS, Docker
from rig.engine import Engine, WeftEngine
from rig.eventually import eventually
from rig.flow import flood, is_held_to, passed
from rig.host import Host
from rig.inside import Inside
from rig.link import link
from vm.guest.echo import fault, reaches

Place = Callable[..., Inside]
OnCable = Callable[..., None]

NEIGHBOUR = "10.9.0.2"
NEIGHBOUR6 = "2001:db8:9::2"


@pytest.fixture
def routed(neighbour: Host) -> Iterator[None]:
    """The neighbour's way to the subnets of the networks in mode l3, which is the engine's host."""
    routes = (("10.40.0.0/16", "10.9.0.1"), ("2001:db8:40::/64", "2001:db8:9::1"))
    for subnet, hop in routes:
        neighbour.run(["ip", "route", "add", subnet, "via", hop])
    yield
    for subnet, _ in routes:
        neighbour.run(["ip", "route", "del", subnet])


def create(docker: Docker, name: str, *options: str) -> str:
    """Make an ipvlan network; returns its id."""
    return docker.out("network", "create", "-d", "ipvlan", *options, name)


def exists(host: Host, link: str) -> bool:
    """Whether the host has that interface."""
    return host.path(f"/sys/class/net/{link}").exists()


def addresses(docker: Docker, name: str, network: str = "net") -> dict[str, str]:
    """What inspect says of a container's endpoint."""
    found: dict[str, str] = docker.inspect(name)["NetworkSettings"]["Networks"][network]
    return found


L2 = ("--subnet=10.9.0.0/24", "--ip-range=10.9.0.64/26", "--gateway=10.9.0.2", "-o", "parent=eth0")


def test_l2_is_on_the_wire(docker: Docker, host: Host, place: Place) -> None:
    """Dual stack, one MAC, names, and the host's own address left out."""
    create(docker, "net", *L2, "--ipv6", "--subnet=2001:db8:9::/64", f"--gateway={NEIGHBOUR6}", "-o", "ipvlan_mode=l2")
    one = place("one", "net")
    two = place("two", "net", "--ip", "10.9.0.100", "--ip6", "2001:db8:9::100")
    assert reaches(one, NEIGHBOUR)
    assert reaches(one, NEIGHBOUR6)
    assert reaches(one, "10.9.0.100")
    assert reaches(one, "2001:db8:9::100")
    shown = docker.out(
        "exec", "two", "sh", "-c", "ping -c 1 one; cat /sys/class/net/eth0/address; ip route; ip -6 route"
    )
    assert "1 packets received" in shown
    assert host.path("/sys/class/net/eth0/address").read_text() in shown
    assert "default via 10.9.0.2 dev eth0" in shown
    assert f"default via {NEIGHBOUR6} dev eth0" in shown
    assert fault(two, "10.9.0.1", tries=2)  # the host itself, as the kernel has it
    endpoint = addresses(docker, "one")
    assert (endpoint["IPAddress"], endpoint["Gateway"], endpoint["MacAddress"]) == ("10.9.0.64", "10.9.0.2", "")


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_l3_is_routed_by_the_host(
    docker: Docker, host: Host, neighbour: Host, place: Place, routed: None, mode: str
) -> None:
    """Two subnets, dual stack; no gateway, no broadcast, and traffic from subnet to subnet."""
    subnets = ("--subnet=10.40.1.0/24", "--subnet=10.40.2.0/24", "--ipv6", "--subnet=2001:db8:40::/64")
    create(docker, "net", *subnets, "-o", "parent=eth0", "-o", f"ipvlan_mode={mode}")
    one = place("one", "net", "--ip", "10.40.1.10", "--ip6", "2001:db8:40::10")
    two = place("two", "net", "--ip", "10.40.2.10")
    assert reaches(one, "10.40.2.10")
    assert reaches(two, "10.40.1.10")
    assert reaches(one, NEIGHBOUR)
    assert reaches(neighbour, "10.40.2.10")
    assert reaches(one, NEIGHBOUR6)
    assert "default dev eth0" in docker.out("exec", "one", "ip", "route")
    assert addresses(docker, "one")["Gateway"] == ""
    inside = f"--net=/proc/{docker.inspect('one')['State']['Pid']}/ns/net"
    assert f" mode {mode} " in host.output("nsenter", inside, "ip", "-d", "link", "show", "eth0")


@pytest.mark.parametrize(("flag", "each_other"), [("bridge", True), ("private", False), ("vepa", False)])
def test_flags(docker: Docker, neighbour: Host, place: Place, flag: str, each_other: bool) -> None:
    """With vepa the switch at the end of the cable would have to send a frame back, which this one does not."""
    create(docker, "net", *L2, "-o", f"ipvlan_flag={flag}")
    one, _ = place("one", "net"), place("two", "net", "--ip", "10.9.0.100")
    assert reaches(one, NEIGHBOUR)
    assert reaches(neighbour, "10.9.0.100")
    assert (fault(one, "10.9.0.100", tries=3) == "") == each_other


@pytest.mark.parametrize("flags", [(), ("--internal", "-o", "parent=eth0")], ids=["parentless", "internal"])
def test_without_a_way_out(docker: Docker, host: Host, place: Place, flags: tuple[str, ...]) -> None:
    network = create(docker, "net", "--subnet=10.41.0.0/24", *flags)
    assert " dummy " in host.output("ip", "-d", "link", "show", f"di-{network[:12]}")
    one, _ = place("one", "net", "--ip", "10.41.0.10"), place("two", "net", "--ip", "10.41.0.11")
    assert reaches(one, "10.41.0.11")
    assert fault(one, NEIGHBOUR) == "Network is unreachable"
    docker.out("rm", "-f", "one", "two")
    docker.out("network", "rm", "net")
    assert not exists(host, f"di-{network[:12]}")


def test_connect_and_disconnect(docker: Docker, place: Place) -> None:
    create(docker, "net", *L2)
    docker.out("network", "create", "other")
    one = place("one", "other")
    docker.out("network", "connect", "--ip", "10.9.0.100", "net", "one")
    assert "10.9.0.100/24" in docker.out("exec", "one", "ip", "addr", "show", "eth1")
    assert reaches(one, NEIGHBOUR)
    docker.out("network", "disconnect", "net", "one")
    assert "eth1" not in docker.out("exec", "one", "ip", "link")
    docker.out("network", "connect", "--ip", "10.9.0.100", "net", "one")
    assert "10.9.0.100/24" in docker.out("exec", "one", "ip", "addr", "show", "eth1")


def test_a_parent_is_for_one_network(docker: Docker, host: Host) -> None:
    create(docker, "net", *L2)
    second = ("network", "create", "--subnet=10.42.0.0/24", "-o", "parent=eth0")
    assert "is already using parent interface eth0" in docker.fails(*second, "-d", "ipvlan", "again")
    assert "is already using parent interface eth0" in docker.fails(*second, "-d", "macvlan", "again")
    docker.out("network", "rm", "net")
    docker.out(*second, "-d", "macvlan", "again")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "ipvlan_mode=l4", "-o", "parent=eth0"], "requested ipvlan mode 'l4' is not valid"),
        (["-o", "ipvlan_flag=open", "-o", "parent=eth0"], "requested ipvlan flag 'open' is not valid"),
        (["-o", "macvlan_mode=bridge", "-o", "parent=eth0"], "macvlan_mode"),
        (["-o", "parent=eth9"], "eth9"),
        (["-o", "parent=eth9.5"], "eth9"),
        (["-o", "parent=eth0.4095"], "vlan id must be between 1-4094"),
        (["-o", "parent=lo"], "loopback interface is not a valid ipvlan parent link"),
    ],
)
def test_refused(docker: Docker, host: Host, options: list[str], words: str) -> None:
    before = sorted(entry.name for entry in host.path("/sys/class/net").iterdir() if "veth" not in entry.name)
    assert words in docker.fails("network", "create", "-d", "ipvlan", *options, "net")
    assert "net" not in docker.lines("network", "ls", "--format", "{{.Name}}")
    after = sorted(entry.name for entry in host.path("/sys/class/net").iterdir() if "veth" not in entry.name)
    assert after == before


def test_a_sub_interface_comes_and_goes_with_its_network(
    docker: Docker, host: Host, place: Place, on_cable: OnCable
) -> None:
    on_cable("10.43.0.1/24", vlan=43)
    on_cable("10.43.0.9/24")
    create(docker, "net", "--subnet=10.43.0.0/24", "--gateway=10.43.0.1", "-o", "parent=eth0.43")
    one = place("one", "net", "--ip", "10.43.0.10")
    assert reaches(one, "10.43.0.1")
    assert fault(one, "10.43.0.9", tries=2)
    docker.out("rm", "-f", "one")
    docker.out("network", "rm", "net")
    assert not exists(host, "eth0.43")


def test_a_sub_interface_of_the_users_is_kept(docker: Docker, host: Host, place: Place, on_cable: OnCable) -> None:
    on_cable("10.44.0.1/24", vlan=44)
    host.run(["ip", "link", "add", "link", "eth0", "name", "eth0.44", "type", "vlan", "id", "44"])
    host.run(["ip", "link", "set", "eth0.44", "up"])
    create(docker, "net", "--subnet=10.44.0.0/24", "--gateway=10.44.0.1", "-o", "parent=eth0.44")
    assert reaches(place("one", "net", "--ip", "10.44.0.10"), "10.44.0.1")
    docker.out("rm", "-f", "one")
    docker.out("network", "rm", "net")
    assert exists(host, "eth0.44")
    host.run(["ip", "link", "del", "eth0.44"])


def test_networks_and_containers_outlive_the_daemon(
    docker: Docker, engine: Engine, host: Host, place: Place, on_cable: OnCable
) -> None:
    on_cable("10.45.0.1/24", vlan=45)
    create(docker, "net", "--subnet=10.45.0.0/24", "--gateway=10.45.0.1", "-o", "parent=eth0.45")
    alone = create(docker, "alone", "--subnet=10.46.0.0/24")
    for name, subnet in (("first", "10.47.0.0/24"), ("second", "10.48.0.0/24")):
        docker.out("network", "create", "-d", "macvlan", f"--subnet={subnet}", "-o", "parent=eth0.47", name)
    docker.out("network", "rm", "first")
    assert exists(host, "eth0.47")  # the other has it still
    one = place("one", "net", "--ip", "10.45.0.10")
    pid = docker.inspect("one")["State"]["Pid"]
    engine.stop()
    assert reaches(one, "10.45.0.1")
    for name in (f"di-{alone[:12]}", "eth0.47"):
        host.run(["ip", "link", "del", name])
    engine.start()
    assert exists(host, f"di-{alone[:12]}")
    assert exists(host, "eth0.47")
    engine.kill()
    engine.start()
    assert docker.inspect("one")["State"]["Pid"] == pid
    assert reaches(one, "10.45.0.1")
    three = place("three", "net", "--ip", "10.45.0.11")
    assert reaches(three, "10.45.0.10")
    assert "1 packets received" in docker.out("exec", "three", "ping", "-c", "1", "one")
    docker.out("stop", "-t", "0", "one")
    assert docker.inspect("one")["State"]["Status"] == "exited"
    docker.out("rm", "-f", "one", "three")
    docker.out("network", "rm", "net", "alone", "second")
    assert not exists(host, "eth0.45")
    assert not exists(host, "eth0.47")
    assert not exists(host, f"di-{alone[:12]}")


def test_rates(docker: Docker, place: Place) -> None:
    """1 Mbit/s is 125 kB a second; what comes in faster than the rate is dropped, a second's worth apart."""
    create(docker, "net", "--subnet=10.9.0.0/24", "--ip-range=10.9.0.64/26", "-o", "parent=eth0")
    rates = "driver-opt=weft.egress_rate=1mbit,driver-opt=weft.ingress_rate=1mbit"
    docker.out("run", "-d", "--name", "limited", "--network", f"name=net,{rates}", "busybox", "sleep", "9999")
    free, limited = place("free", "net"), Inside(docker.engine, "limited")
    out = passed(flood(limited, addresses(docker, "free")["IPAddress"]), free, 3.0)
    back = passed(flood(free, addresses(docker, "limited")["IPAddress"]), limited, 3.0)
    assert is_held_to(125_000, out)
    assert is_held_to(125_000, back, at_once=225_000)


def test_the_host_is_booted_anew(neighbour: Host, engine: Engine) -> None:
    """What Weft made is made again, and containers with a restart policy are back on the wire, in l2 and l3 alike."""
    with Host("rebooted") as host:
        link(host, neighbour, "10.11.0.0/24")
        booted = WeftEngine(host)
        booted.start()
        docker = Docker(booted, CLIS[0])
        assert booted.api.post("/images/create?fromImage=busybox&tag=latest").status == 200
        wire = ("--subnet=10.11.0.0/24", "--ip-range=10.11.0.64/26", "-o", "parent=eth0")
        create(docker, "wire", *wire)
        create(docker, "routed", "--subnet=10.41.0.0/24", "-o", "parent=eth0.51", "-o", "ipvlan_mode=l3")
        for name, network in (("one", "wire"), ("two", "routed"), ("three", "routed")):
            run = ("run", "-d", "--restart", "always", "--name", name, "--network", network)
            docker.out(*run, "busybox", "sleep", "9999")
        hop = addresses(docker, "two", "routed")["IPAddress"]
        host.reboot()
        link(host, neighbour, "10.11.0.0/24")
        booted.start()
        for name, target in (("one", "10.11.0.2"), ("three", hop)):
            eventually(lambda name=name, target=target: _pings(docker, name, target), timeout=60)
        assert exists(host, "eth0.51")
        docker.out("rm", "-f", "one", "two", "three")
        docker.out("network", "rm", "wire", "routed")
        assert not exists(host, "eth0.51")


def _pings(docker: Docker, name: str, target: str) -> bool:
    return docker("exec", name, "ping", "-c", "1", "-W", "2", target).returncode == 0
