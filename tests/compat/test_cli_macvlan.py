"""macvlan networks through the docker CLI: who reaches whom, who shares a parent, what comes back and what goes."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.host import Host
from rig.inside import Inside
from rig.lab import Lab
from rig.link import link

pytestmark = pytest.mark.weft_only("options and texts of Docker 28")
SUBNET, GATEWAY, SUBNET6, GATEWAY6 = "10.7.0.0/24", "10.7.0.1", "fd07::/64", "fd07::1"
WIRE = ("--subnet", SUBNET, "--ip-range", "10.7.0.128/25", "--gateway", GATEWAY)
WIRE6 = ("--ipv6", "--subnet", SUBNET6, "--gateway", GATEWAY6)


@dataclass(frozen=True)
class Lan:
    """An engine whose host is on a wire with a neighbour: `eth1` is the host's end, the neighbour has the gateways."""

    docker: Docker
    engine: Engine
    neighbour: Host
    parent: str

    def network(self, name: str, *arguments: str, options: tuple[str, ...] = ()) -> None:
        given = [word for option in (f"parent={self.parent}", *options) for word in ("-o", option)]
        self.docker.out("network", "create", "-d", "macvlan", *given, *arguments, name)

    def run(self, name: str, network: str, *arguments: str) -> dict[str, str]:
        self.docker.out("run", "-d", "--name", name, "--network", network, *arguments, "busybox", "sleep", "1000")
        found: dict[str, str] = self.docker.inspect(name)["NetworkSettings"]["Networks"][network]
        return found

    def pings(self, name: str, target: str) -> bool:
        family = "-6" if ":" in target else "-4"
        return self.docker("exec", name, "ping", family, "-c", "1", "-W", "1", target).returncode == 0

    def host_pings(self, address: str) -> bool:
        return self.engine.host.run(["ping", "-c", "1", "-W", "1", address], check=False).returncode == 0

    def routes(self) -> set[str]:
        host = self.engine.host
        listed = (host.output("ip", "route") + "\n" + host.output("ip", "-6", "route")).splitlines()
        return {line.replace("linkdown", "").strip() for line in listed}

    def links(self) -> set[str]:
        return set(re.findall(r"^\d+: ([^:@]+)", self.engine.host.output("ip", "-o", "link"), re.MULTILINE))


@pytest.fixture(scope="module")
def made(lab: Lab) -> Iterator[Lan]:
    engine = lab.engine("weft")
    with Host("neighbour") as neighbour:
        cable = link(engine.host, neighbour)
        for address in (f"{GATEWAY}/24", f"{GATEWAY6}/64"):
            flags = ["nodad"] if ":" in address else []
            neighbour.run(["ip", "addr", "add", address, "dev", cable.interfaces[1], *flags])
        yield Lan(Docker(engine), engine, neighbour, cable.interfaces[0])
    engine.host.close()


@pytest.fixture
def lan(made: Lan) -> Iterator[Lan]:
    before = made.links()
    yield made
    made.engine.host.run(["ip", "link", "set", made.parent, "up"])
    made.engine.sweep()
    eventually(lambda: made.links() == before)


# ── traffic ──


def test_dual_stack_with_the_neighbour_and_within_the_host(lan: Lan) -> None:
    lan.network("n", *WIRE, *WIRE6)
    one, two = lan.run("one", "n"), lan.run("two", "n")
    assert (one["Gateway"], one["IPv6Gateway"]) == (GATEWAY, GATEWAY6)
    for target in (GATEWAY, GATEWAY6, two["IPAddress"], two["GlobalIPv6Address"], "two"):
        assert lan.pings("one", target), target
    for target in (one["IPAddress"], one["GlobalIPv6Address"]):
        lan.neighbour.run(["ping", "-c", "1", "-W", "2", target])
        assert not lan.host_pings(target)  # the kernel keeps a parent and the links upon it apart
    addresses = lan.docker.out("exec", "one", "ip", "addr")
    assert f"inet {one['IPAddress']}/24" in addresses
    assert f"link/ether {one['MacAddress']}" in addresses


@pytest.mark.parametrize(("mode", "passes"), [("bridge", True), ("private", False), ("vepa", False)])
def test_modes(lan: Lan, mode: str, passes: bool) -> None:
    """All of them reach the wire; whether two on one host reach each other without a switch's help is what differs."""
    lan.network("n", *WIRE, options=(f"macvlan_mode={mode}",))
    lan.run("one", "n")
    two = lan.run("two", "n")
    assert lan.pings("one", GATEWAY)
    assert lan.pings("one", two["IPAddress"]) is passes
    assert lan.pings("one", "two") is passes


def test_mtu(lan: Lan) -> None:
    """What is larger does not get through in one piece; without the option it is the parent's."""
    lan.network("n", *WIRE, options=("com.docker.network.driver.mtu=1300",))
    lan.network("plain", "--subnet", "10.8.0.0/24")
    lan.run("one", "n")
    lan.run("two", "plain")
    shown = [lan.docker.out("exec", name, "cat", "/sys/class/net/eth0/mtu") for name in ("one", "two")]
    assert shown == ["1300", "1500"]
    sizes = {1272: True, 1273: False}  # of a datagram, with 28 bytes of headers before it
    inside = Inside(lan.engine, "one")
    for size, passes in sizes.items():
        assert _unfragmented(inside, GATEWAY, size) is passes


def _unfragmented(inside: Inside, target: str, size: int) -> bool:
    with inside.udp() as sock:
        sock.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO: no packet is taken apart
        try:
            sock.sendto(bytes(size), (target, 9))
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            return False
    return True


def test_passthru_has_its_parent_for_itself(lan: Lan) -> None:
    lan.network("n", *WIRE, options=("macvlan_mode=passthru",))
    parents = lan.engine.host.output("cat", f"/sys/class/net/{lan.parent}/address")
    lan.run("one", "n")
    assert lan.pings("one", GATEWAY)
    assert lan.docker.out("exec", "one", "cat", "/sys/class/net/eth0/address") == parents
    refused = lan.docker.fails("run", "--rm", "--network", "n", "busybox", "true")
    assert "a parent in mode passthru has one endpoint" in refused
    lan.docker.out("restart", "-t", "0", "one")  # the parent is free of the first link by then
    assert lan.pings("one", GATEWAY)
    refused = lan.docker.fails("network", "create", "-d", "macvlan", "-o", f"parent={lan.parent}", "second")
    assert f"is already using parent interface {lan.parent} in mode passthru" in refused
    assert "second" not in lan.docker.out("network", "ls")


def test_passthru_comes_second(lan: Lan) -> None:
    lan.network("n", *WIRE)
    options = ("-o", f"parent={lan.parent}", "-o", "macvlan_mode=passthru")
    refused = lan.docker.fails("network", "create", "-d", "macvlan", *options, "second")
    assert re.search(r"cannot use mode passthru, macvlan network n \(\w+\) is already using parent", refused)


def test_a_mac_of_the_users_own(lan: Lan) -> None:
    lan.network("n", *WIRE)
    for _ in range(2):  # the second container gets it as soon as the first is gone
        endpoint = lan.run("one", "n", "--mac-address", "02:42:00:00:00:99")
        assert endpoint["MacAddress"] == "02:42:00:00:00:99"
        assert lan.pings("one", GATEWAY)
        assert "02:42:00:00:00:99" in lan.neighbour.output("ip", "neigh", "show", endpoint["IPAddress"])
        lan.docker.out("rm", "-f", "one")


def test_no_gateway_that_nobody_gave(lan: Lan) -> None:
    lan.network("n", "--subnet", SUBNET)
    endpoint = lan.run("one", "n")
    assert (endpoint["Gateway"], endpoint["IPAddress"]) == ("", "10.7.0.1")  # no address is kept for one either
    assert "default" not in lan.docker.out("exec", "one", "ip", "route")
    assert "Network is unreachable" in lan.docker("exec", "one", "ping", "-c", "1", "8.8.8.8").stderr
    assert lan.docker.inspect("network", "n")["IPAM"]["Config"] == [{"Subnet": SUBNET}]


def test_ipv6_is_off_where_the_network_has_none(lan: Lan) -> None:
    lan.network("n", *WIRE)
    lan.run("one", "n")
    assert "inet6" not in lan.docker.out("exec", "one", "ip", "addr", "show", "eth0")
    assert "::1" in lan.docker.out("exec", "one", "ip", "addr", "show", "lo")


@pytest.mark.parametrize("arguments", [(), ("--internal",)], ids=["no parent", "internal"])
def test_networks_that_lead_nowhere(lan: Lan, arguments: tuple[str, ...]) -> None:
    gateway = ("--subnet", SUBNET, "--gateway", GATEWAY)
    parent = ("-o", f"parent={lan.parent}") if arguments else ()
    lan.docker.out("network", "create", "-d", "macvlan", *gateway, *parent, *arguments, "n")
    short = lan.docker.inspect("network", "n")["Id"][:12]
    assert f"dm-{short}" in lan.links()
    endpoint = lan.run("one", "n", "-p", "80:80")
    assert endpoint["Gateway"] == ""
    lan.run("two", "n")
    assert lan.pings("one", "two")
    assert not lan.pings("one", GATEWAY)
    assert "Network is unreachable" in lan.docker("exec", "one", "ping", "-c", "1", "8.8.8.8").stderr
    assert lan.docker("exec", "one", "nslookup", "google.com").returncode != 0
    lan.docker.out("rm", "-f", "one", "two")
    lan.docker.out("network", "rm", "n")
    assert f"dm-{short}" not in lan.links()


def test_names_outside_are_found_by_the_hosts_own_servers(lan: Lan) -> None:
    lan.network("n", *WIRE)
    lan.run("one", "n")
    assert "142.250.74.46" in lan.docker.out("exec", "one", "nslookup", "google.com")


def test_published_ports_are_ignored(lan: Lan) -> None:
    lan.network("n", *WIRE)
    lan.docker.out("run", "-d", "--name", "web", "--network", "n", "-p", "8080:80", "busybox", "httpd", "-f")
    assert lan.docker.inspect("web")["NetworkSettings"]["Ports"] in ({}, {"80/tcp": None})
    assert not lan.engine.host.reaches("127.0.0.1", 8080)
    assert "container web publishes ports, which is ignored: it is reached at its own address on network n" in (
        lan.engine.log.read_text()
    )


def test_connected_beside_a_bridge(lan: Lan) -> None:
    """Ports are published on the bridge as long as that leads out; names and routes follow."""
    lan.docker.out("network", "create", "b")
    lan.network("n", *WIRE)
    lan.docker.out("run", "-d", "--name", "web", "--network", "b", "-p", "8080:80", "busybox", "httpd", "-f")
    options = ("--driver-opt", "com.docker.network.endpoint.ifname=lan0", "--ip", "10.7.0.200")
    lan.docker.out("network", "connect", *options, "n", "web")
    assert "10.7.0.200/24" in lan.docker.out("exec", "web", "ip", "addr", "show", "lan0")
    assert lan.pings("web", GATEWAY)
    lan.neighbour.run(["ping", "-c", "1", "-W", "2", "10.7.0.200"])
    assert "default via 172." in lan.docker.out("exec", "web", "ip", "route")
    lan.docker.out("network", "disconnect", "b", "web")
    assert f"default via {GATEWAY} dev lan0" in lan.docker.out("exec", "web", "ip", "route")
    lan.docker.out("network", "connect", "b", "web")
    lan.docker.out("network", "disconnect", "n", "web")
    assert "lan0" not in lan.docker.out("exec", "web", "ip", "addr")
    assert "default via 172." in lan.docker.out("exec", "web", "ip", "route")


def test_sysctls_of_an_endpoint(lan: Lan) -> None:
    lan.network("n", *WIRE)
    option = '"driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1"'
    network = f"name=n,{option}"
    lan.docker.out("run", "-d", "--name", "one", "--network", network, "busybox", "sleep", "1000")
    assert lan.docker.out("exec", "one", "cat", "/proc/sys/net/ipv4/conf/eth0/log_martians") == "1"


# ── several subnets, and subnets that are shared ──


def test_several_subnets(lan: Lan) -> None:
    """An address of any of them can be had; when the first is used up the next one goes on."""
    lan.neighbour.run(["ip", "addr", "add", "10.8.0.1/24", "dev", "eth0"])
    lan.network(
        "n", "--subnet", "10.7.0.0/30", "--gateway", GATEWAY, "--subnet", "10.8.0.0/24", "--gateway", "10.8.0.1"
    )
    asked = lan.run("asked", "n", "--ip", "10.8.0.77")
    assert (asked["IPAddress"], asked["Gateway"], asked["IPPrefixLen"]) == ("10.8.0.77", "10.8.0.1", 24)
    small = lan.run("small", "n", "--ip", "10.7.0.2")
    assert (small["Gateway"], small["IPPrefixLen"]) == (GATEWAY, 30)
    further = lan.run("further", "n")  # 10.7.0.0/30 has no address left, whichever of them comes first
    assert (further["IPAddress"], further["Gateway"]) == ("10.8.0.2", "10.8.0.1")
    assert lan.pings("asked", "10.8.0.1")
    assert lan.pings("small", GATEWAY)
    lan.docker.out("rm", "-f", "small")
    assert lan.run("again", "n", "--ip", "10.7.0.2")["IPAddress"] == "10.7.0.2"
    assert "no configured subnet contains IP address 10.9.0.1" in lan.docker.fails(
        "run", "--rm", "--network", "n", "--ip", "10.9.0.1", "busybox", "true"
    )
    lan.neighbour.run(["ip", "addr", "del", "10.8.0.1/24", "dev", "eth0"])


def test_a_subnet_is_shared_by_ranges(lan: Lan) -> None:
    lan.network("n", *WIRE)
    options = ("-d", "macvlan", "-o", f"parent={lan.parent}", "--subnet", SUBNET)
    for ranges in ((), ("--ip-range", "10.7.0.128/25")):
        refused = lan.docker.fails("network", "create", *options, *ranges, "second")
        assert "Pool overlaps with other one on this address space" in refused
    lan.docker.out("network", "create", *options, "--ip-range", "10.7.0.128/26", "--gateway", GATEWAY, "second")
    addresses = [lan.run(f"c{number}", ("n", "second")[number % 2])["IPAddress"] for number in range(4)]
    assert addresses == ["10.7.0.128", "10.7.0.129", "10.7.0.130", "10.7.0.131"]
    refused = lan.docker.fails("run", "--rm", "--network", "second", "--ip", "10.7.0.128", "busybox", "true")
    assert "Address already in use" in refused
    assert lan.pings("c0", addresses[1])
    lan.engine.restart()
    assert lan.run("later", "second")["IPAddress"] == "10.7.0.132"


# ── the host's own way in ──


@pytest.mark.parametrize("ranges", [("--ip-range", "10.7.0.128/25"), ()], ids=["range", "no range"])
def test_host_access(lan: Lan, ranges: tuple[str, ...]) -> None:
    before = lan.routes()
    lan.network("n", "--subnet", SUBNET, "--gateway", GATEWAY, *ranges, *WIRE6, options=("host_access=true",))
    own = [each["AuxiliaryAddresses"]["host_access"] for each in lan.docker.inspect("network", "n")["IPAM"]["Config"]]
    one = lan.run("one", "n")
    for target in (one["IPAddress"], one["GlobalIPv6Address"]):
        assert lan.host_pings(target)
    for target in own:
        assert lan.pings("one", target)
    lan.docker.out("network", "disconnect", "n", "one")
    lan.docker.out("network", "connect", "--ip", "10.7.0.250", "n", "one")
    assert lan.host_pings("10.7.0.250")
    lan.docker.out("rm", "-f", "one")
    lan.docker.out("network", "rm", "n")
    assert lan.routes() == before


def test_host_access_with_an_address_that_a_user_chose(lan: Lan) -> None:
    lan.network("n", *WIRE, "--aux-address", "host_access=10.7.0.250", options=("host_access=true",))
    assert "inet 10.7.0.250/32" in lan.engine.host.output("ip", "addr")
    one = lan.run("one", "n")
    assert lan.host_pings(one["IPAddress"])
    lan.engine.stop()
    link = re.search(r"mv-\w+", " ".join(lan.links()))
    assert link is not None
    lan.engine.host.run(["ip", "link", "del", link[0]])
    lan.engine.start()
    assert lan.host_pings(one["IPAddress"])


# ── parents ──


def test_a_parent_is_shared_and_goes_on_after_its_first_network(lan: Lan) -> None:
    lan.network("n", *WIRE)
    lan.network("second", "--subnet", "10.8.0.0/24")
    lan.docker.out("network", "rm", "n")
    assert lan.parent in lan.links()
    lan.run("one", "second", "--ip", "10.8.0.5")
    refused = lan.docker.fails("network", "create", "-d", "ipvlan", "-o", f"parent={lan.parent}", "third")
    assert re.search(rf"is already using parent interface {lan.parent}|kernel lacks ipvlan", refused)


def test_a_parent_that_is_down(lan: Lan) -> None:
    host = lan.engine.host
    host.run(["ip", "link", "set", lan.parent, "down"])
    done = lan.docker("network", "create", "-d", "macvlan", "-o", f"parent={lan.parent}", *WIRE, "n")
    words = f"parent interface {lan.parent} of network n is down: nothing passes before it is up"
    assert done.returncode == 0
    assert words in done.stderr or words in lan.engine.log.read_text()
    lan.run("one", "n")
    assert not lan.pings("one", GATEWAY)
    host.run(["ip", "link", "set", lan.parent, "up"])
    assert eventually(lambda: lan.pings("one", GATEWAY))


@pytest.mark.parametrize(
    ("parent", "words"),
    [
        ("lo", "loopback interface is not a valid macvlan parent link"),
        ("nosuch", "-o parent interface was not found on the host: nosuch"),
        ("nosuch.5", "-o parent interface was not found on the host: nosuch"),
        ("eth0.4095", "vlan id must be between 1-4094, received: 4095"),
        ("docker0port", "is a port of the bridge docker0, which takes all of its traffic: use docker0 as parent"),
    ],
)
def test_parents_that_are_refused(lan: Lan, parent: str, words: str) -> None:
    host = lan.engine.host
    if parent == "docker0port":
        host.run(["ip", "link", "add", parent, "type", "veth", "peer", "name", "other"])
        host.run(["ip", "link", "set", parent, "master", "docker0"])
    assert words in lan.docker.fails("network", "create", "-d", "macvlan", "-o", f"parent={parent}", "n")
    assert "n" not in lan.docker.lines("network", "ls", "--format", "{{.Name}}")
    if parent == "docker0port":
        host.run(["ip", "link", "del", parent])


# ── the daemon goes and comes ──


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_the_daemon_goes_and_comes(lan: Lan, how: str) -> None:
    lan.network("n", *WIRE)
    lan.docker.out("network", "create", "-d", "macvlan", "--subnet", "10.8.0.0/24", "alone")
    one = lan.run("one", "n")
    getattr(lan.engine, "stop" if how == "restart" else "kill")()
    lan.neighbour.run(["ping", "-c", "1", "-W", "2", one["IPAddress"]])
    lan.engine.start()
    assert lan.pings("one", GATEWAY)
    assert lan.run("two", "n")["IPAddress"] != one["IPAddress"]
    assert lan.pings("two", "one")
    lan.run("three", "alone")
    assert "10.8.0." in lan.docker.out("exec", "three", "ip", "addr")
    lan.docker.out("restart", "-t", "0", "one")
    assert lan.pings("one", GATEWAY)


def test_the_host_is_booted_anew(lab: Lab) -> None:
    """What Weft made is made again, and containers with a restart policy are back on the wire."""
    engine = lab.engine("weft")
    host, docker = engine.host, Docker(engine)
    try:
        access = ("-o", "parent=eth0", "-o", "host_access=1", "--subnet", SUBNET)
        docker.out("network", "create", "-d", "macvlan", *access, "n")
        docker.out("network", "create", "-d", "macvlan", "alone")
        docker.out("run", "-d", "--name", "one", "--restart", "always", "--network", "n", "busybox", "sleep", "1000")
        address = docker.inspect("one")["NetworkSettings"]["Networks"]["n"]["IPAddress"]
        host.reboot()
        lab.wire(host)
        host.run(["ip", "link", "set", "eth0", "up"])
        engine.start()
        assert eventually(lambda: docker("exec", "one", "true").returncode == 0)
        assert host.run(["ping", "-c", "1", "-W", "2", address], check=False).returncode == 0
        assert f"dm-{docker.inspect('network', 'alone')['Id'][:12]}" in host.output("ip", "link")
    finally:
        host.close()
