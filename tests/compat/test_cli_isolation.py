"""Who reaches whom: bridges apart, icc, internal, the outside by NAT, IPv6, shared namespaces."""

from __future__ import annotations

import socket
import struct

import pytest

from rig.docker import Docker
from rig.eventually import eventually
from rig.inside import Inside
from rig.internet import GOOGLE, GOOGLE6, Internet

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def web(docker: Docker, name: str, *flags: str) -> Inside:
    """A web server on port 80, up when this returns."""
    docker.out("run", "-d", "--name", name, "--hostname", name, *flags, *WEB)
    inside = Inside(docker.engine, name)
    while not inside.reaches("127.0.0.1"):
        pass
    return inside


def endpoint(docker: Docker, name: str, network: str) -> dict[str, str]:
    """A container's endpoint on a network."""
    found: dict[str, str] = docker.inspect(name)["NetworkSettings"]["Networks"][network]
    return found


def test_bridges_are_apart(docker: Docker) -> None:
    for name in ("left", "right"):
        docker.out("network", "create", name)
        web(docker, f"{name}-web", "--network", name)
    plain = web(docker, "plain")
    left = Inside(docker.engine, "left-web")
    there = endpoint(docker, "right-web", "right")["IPAddress"]
    assert not left.reaches(there)
    assert not plain.reaches(there)
    assert not left.reaches(endpoint(docker, "plain", "bridge")["IPAddress"])
    docker.out("network", "connect", "right", "left-web")
    assert left.reaches(there)
    docker.out("network", "disconnect", "right", "left-web")
    assert not left.reaches(there)


def test_the_host_reaches_containers(docker: Docker) -> None:
    docker.out("network", "create", "net")
    web(docker, "one", "--network", "net")
    assert docker.engine.host.reaches(endpoint(docker, "one", "net")["IPAddress"], 80)


def test_without_icc(docker: Docker) -> None:
    docker.out("network", "create", "-o", "com.docker.network.bridge.enable_icc=false", "net")
    one, _ = web(docker, "one", "--network", "net"), web(docker, "two", "--network", "net")
    assert not one.reaches(endpoint(docker, "two", "net")["IPAddress"])
    assert one.reaches(GOOGLE)


def test_outbound_traffic_has_the_hosts_address(docker: Docker) -> None:
    docker.out("network", "create", "net")
    for name, flags in (("one", ()), ("two", ("--network", "net"))):
        assert web(docker, name, *flags).fetch(GOOGLE).decode() == docker.engine.host.outer[0]


def test_without_masquerade(docker: Docker) -> None:
    docker.out("network", "create", "-o", "com.docker.network.bridge.enable_ip_masquerade=false", "net")
    assert not web(docker, "one", "--network", "net").reaches(GOOGLE)


def test_internal(docker: Docker) -> None:
    docker.out("network", "create", "--internal", "net")
    one, _ = web(docker, "one", "--network", "net"), web(docker, "two", "--network", "net")
    assert one.reaches(endpoint(docker, "two", "net")["IPAddress"])
    assert not one.reaches(GOOGLE)
    # 20.10 leaves a default route in that leads nowhere.
    assert docker.engine.reference or "default" not in docker.out("exec", "one", "ip", "route")


@pytest.mark.weft_only("its rules go by interface too, but its default route is there")
def test_internal_for_one_that_finds_a_way_itself(docker: Docker, internet: Internet) -> None:
    """Neither a route of the container's own nor one of a neighbour's leads through the bridge."""
    host = docker.engine.host
    docker.out("network", "create", "--internal", "--subnet", "10.97.0.0/24", "net")
    one = web(docker, "one", "--network", "net", "--cap-add", "NET_ADMIN")
    docker.out("exec", "one", "ip", "route", "add", "default", "via", "10.97.0.1")
    there = endpoint(docker, "one", "net")["IPAddress"]
    assert host.reaches(there, 80)
    internet.host.run(["ip", "route", "add", "10.97.0.0/24", "via", host.outer[0]])  # so that answers find the way
    try:
        assert not one.reaches(GOOGLE)
        assert not internet.host.reaches(there, 80)
    finally:
        internet.host.run(["ip", "route", "del", "10.97.0.0/24"])


def test_nobody_but_the_host_speaks_as_127_0_0_1(docker: Docker) -> None:
    """Bridges route 127.0.0.0/8, for published ports on it; a container may not say that it is the host.

    Nor where the host does not look at sources itself.
    """
    host = docker.engine.host
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    one, bridge = Inside(docker.engine, "one"), endpoint(docker, "one", "bridge")
    host.sysctl(net__ipv4__conf__docker0__rp_filter=0, net__ipv4__conf__all__rp_filter=0)
    try:
        with host.udp() as listening, one.within(_raw) as raw:
            listening.bind(("0.0.0.0", 5353))
            listening.settimeout(0.7)
            for source, heard in ((bridge["IPAddress"], True), ("127.0.0.9", False)):
                raw.sendto(_datagram(source, bridge["Gateway"], 5353), (bridge["Gateway"], 0))
                assert _hears(listening) is heard, source
    finally:
        host.sysctl(net__ipv4__conf__docker0__rp_filter=2)


def _raw() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def _datagram(source: str, destination: str, port: int) -> bytes:
    """An IPv4 packet as it goes on the wire; the kernel fills in its header's checksum, UDP needs none (RFC 768)."""
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    return struct.pack("!BBHHHBBH", 0x45, 0, 29, 0, 0, 64, 17, 0) + ends + struct.pack("!HHHH", 5353, port, 9, 0) + b"x"


def _hears(listening: socket.socket) -> bool:
    try:
        return listening.recv(100) == b"x"
    except TimeoutError:
        return False


def test_an_ipv6_network(docker: Docker) -> None:
    docker.out("network", "create", "--ipv6", "--subnet", "fd12:3456::/64", "net")
    network = docker.inspect("network", "net")
    assert network["EnableIPv6"] is True
    assert "fd12:3456::/64" in [config["Subnet"] for config in network["IPAM"]["Config"]]
    one = web(docker, "one", "--network", "net")
    two = web(docker, "two", "--network", "net", "--ip6", "fd12:3456::99")
    assert endpoint(docker, "two", "net")["GlobalIPv6Address"] == "fd12:3456::99"
    assert one.reaches("fd12:3456::99")
    assert two.reaches(endpoint(docker, "one", "net")["GlobalIPv6Address"])
    assert two.addresses("one", "AAAA") == [endpoint(docker, "one", "net")["GlobalIPv6Address"]]
    assert one.addresses("two") == [endpoint(docker, "two", "net")["IPAddress"]]
    assert eventually(lambda: docker.engine.host.reaches("fd12:3456::99", 80))


@pytest.mark.weft_only("20.10 filters and translates IPv6 only when told to by an experimental option")
def test_ipv6_beyond_the_bridge(docker: Docker) -> None:
    docker.out("network", "create", "--ipv6", "one")
    docker.out("network", "create", "--ipv6", "two")
    first, _ = web(docker, "first", "--network", "one"), web(docker, "second", "--network", "two")
    assert first.fetch(GOOGLE6).decode() == docker.engine.host.outer[1]
    assert endpoint(docker, "first", "one")["GlobalIPv6Address"].startswith("fd")
    assert not first.reaches(endpoint(docker, "second", "two")["GlobalIPv6Address"])


def test_no_ipv6_where_none_was_asked_for(docker: Docker) -> None:
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "top")
    assert "inet6" not in docker.out("exec", "one", "ip", "addr", "show", "eth0")


def test_a_shared_namespace_outlives_its_owners_restart(docker: Docker) -> None:
    docker.out("network", "create", "net")
    web(docker, "owner", "--network", "net", "-p", "8080:80")
    docker.out("run", "-d", "--name", "guest", "--network", "container:owner", "busybox", "top")
    address = endpoint(docker, "owner", "net")["IPAddress"]
    assert address in docker.out("exec", "guest", "ip", "addr", "show", "eth0")
    assert docker.out("exec", "guest", "wget", "-qO-", "http://127.0.0.1/") == "owner"
    assert docker.out("exec", "guest", "hostname") == "owner"
    assert docker.inspect("guest")["HostConfig"]["NetworkMode"] == "container:" + docker.inspect("owner")["Id"]
    assert docker.inspect("guest")["NetworkSettings"]["Networks"] == {}
    refusal = docker.fails("run", "--rm", "--network", "container:owner", "-p", "1:1", "busybox")
    assert "conflicting options: port publishing and the container type network mode" in refusal
    assert "conflicting options: hostname and the network mode" in docker.fails(
        "run", "--rm", "--network", "container:owner", "--hostname", "x", "busybox"
    )
    assert "No such container: nobody" in docker.fails("run", "--rm", "--network", "container:nobody", "busybox")


@pytest.mark.weft_only("Docker's guest loses its network when the owner restarts")
def test_the_guest_keeps_its_network(docker: Docker) -> None:
    docker.out("network", "create", "net")
    web(docker, "owner", "--network", "net")
    web(docker, "peer", "--network", "net")
    docker.out("run", "-d", "--name", "guest", "--network", "container:owner", "busybox", "top")
    docker.out("restart", "-t", "0", "owner")
    assert endpoint(docker, "owner", "net")["IPAddress"] in docker.out("exec", "guest", "ip", "addr", "show", "eth0")
    assert docker.out("exec", "guest", "wget", "-qO-", "http://peer/") == "peer"


def test_published_ports_of_a_dual_stack_network(docker: Docker, internet: Internet) -> None:
    docker.out("network", "create", "--ipv6", "--subnet", "fd12:3457::/64", "net")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    host = docker.engine.host
    assert host.fetch(host.outer[1], 8080) == b"one\n"
    assert internet.host.fetch(host.outer[1], 8080) == b"one\n"
    assert docker.inspect("one")["NetworkSettings"]["Ports"]["80/tcp"] == [
        {"HostIp": "0.0.0.0", "HostPort": "8080"},
        {"HostIp": "::", "HostPort": "8080"},
    ]
