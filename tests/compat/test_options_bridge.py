"""Options of bridge networks and of their endpoints, by what passes; subnets that collide with routes of the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rig.docker import Docker
from rig.engine import MakeEngine
from rig.eventually import eventually
from rig.host import Host
from rig.inside import Inside
from rig.internet import GOOGLE, GOOGLE6, Internet
from rig.link import link

pytestmark = pytest.mark.weft_only("options of Docker 28")

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")
BRIDGE = "com.docker.network.bridge."


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def web(docker: Docker, name: str, *flags: str) -> Inside:
    """A web server on port 80 that answers with `name`, up when this returns."""
    docker.out("run", "-d", "--name", name, "--hostname", name, *flags, *WEB)
    inside = Inside(docker.engine, name)
    eventually(lambda: inside.reaches("127.0.0.1"))
    return inside


def address(docker: Docker, name: str, network: str = "net", key: str = "IPAddress") -> str:
    found: str = docker.inspect(name)["NetworkSettings"]["Networks"][network][key]
    return found


def links(docker: Docker) -> set[str]:
    return set(re.findall(r"^\d+: ([^:@]+)", docker.engine.host.output("ip", "-o", "link"), re.MULTILINE))


# ── networks ──


def test_source_addresses(docker: Docker, internet: Internet) -> None:
    """What leaves has the address that was asked for, in each family, and not the one of the interface."""
    host, own = docker.engine.host, ("203.0.113.77", "2001:db8:77::77")
    options = ("-o", f"com.docker.network.host_ipv4={own[0]}", "-o", f"com.docker.network.host_ipv6={own[1]}")
    docker.out("network", "create", "--ipv6", *options, "net")
    one = web(docker, "one", "--network", "net")
    for source, outer in zip(own, host.outer, strict=True):
        host.run(["ip", "address", "add", source, "dev", "lo"])
        internet.host.run(["ip", "route", "replace", source, "via", outer])
    try:
        assert one.fetch(GOOGLE).decode() == own[0]
        assert one.fetch(GOOGLE6).decode() == own[1]
    finally:
        for source in own:
            size = 128 if ":" in source else 32
            host.run(["ip", "address", "del", f"{source}/{size}", "dev", "lo"], check=False)
            internet.host.run(["ip", "route", "del", source], check=False)


@contextmanager
def router_on(docker: Docker, bridge: str, address: str) -> Iterator[Host]:
    """A router of its own behind a port of the bridge, which serves a page."""
    with Host("router") as router:
        cable = link(docker.engine.host, router)
        docker.engine.host.run(["ip", "link", "set", cable.interfaces[0], "master", bridge])
        router.run(["ip", "address", "add", address, "dev", cable.interfaces[1]])
        (router.directory / "index.html").write_text("router")
        server = router.start(
            ["busybox", "httpd", "-f", "-p", "80", "-h", router.directory], log=router.directory / "httpd.log"
        )
        eventually(lambda: router.reaches("127.0.0.1", 80))
        yield router
        server.stop()


def test_inhibit_ipv4(docker: Docker) -> None:
    """The bridge has no IPv4 address, which is another router's: containers reach that one and not the host."""
    options = ("-o", BRIDGE + "inhibit_ipv4=true", "-o", BRIDGE + "name=inhibited0")
    docker.out("network", "create", "--subnet", "10.84.0.0/24", "--gateway", "10.84.0.1", *options, "net")
    docker.out("network", "create", "--subnet", "10.85.0.0/24", "plain")
    one, two = (web(docker, name, "--network", "net") for name in ("one", "two"))
    assert "inet " not in docker.engine.host.output("ip", "address", "show", "inhibited0")
    assert two.fetch(address(docker, "one")) == b"one\n"
    assert not docker.engine.host.reaches(address(docker, "one"), 80)
    web(docker, "three", "--network", "plain")
    assert docker.engine.host.reaches(address(docker, "three", "plain"), 80)
    assert "default via 10.84.0.1" in docker.out("exec", "one", "ip", "route")
    assert not one.reaches("10.84.0.1")
    with router_on(docker, "inhibited0", "10.84.0.1/24"):
        eventually(lambda: one.fetch("10.84.0.1") == b"router")


def test_isolated_with_a_gateway_address(docker: Docker) -> None:
    """Nobody has the gateway's address, though the user gave one, and without one none is kept for it."""
    isolated = ("--internal", "-o", BRIDGE + "gateway_mode_ipv4=isolated")
    for name, subnet, gateway in (
        ("given", "10.86.0.0/24", ("--gateway", "10.86.0.254")),
        ("free", "10.87.0.0/24", ()),
    ):
        bridge = ("-o", f"{BRIDGE}name={name}0")
        docker.out("network", "create", "--subnet", subnet, *gateway, *isolated, *bridge, name)
        one = web(docker, f"{name}1", "--network", name)
        assert address(docker, f"{name}1", name) == subnet.replace("0/24", "1")
        two = web(docker, f"{name}2", "--network", name)
        assert two.reaches(address(docker, f"{name}1", name))
        assert "inet " not in docker.engine.host.output("ip", "address", "show", f"{name}0")
        assert not docker.engine.host.reaches(address(docker, f"{name}1", name), 80)
        assert not one.reaches("10.86.0.254")
        assert "default" not in docker.out("exec", f"{name}1", "ip", "route")


@pytest.mark.parametrize("version", [4, 6])
def test_nat_unprotected(docker: Docker, internet: Internet, version: int) -> None:
    """Who has a route reaches what was never published; in the other family and on other networks nobody does."""
    subnets = ("--ipv6", "--subnet", "10.88.0.0/24", "--subnet", "2001:db8:88::/64")
    docker.out("network", "create", *subnets, "-o", f"{BRIDGE}gateway_mode_ipv{version}=nat-unprotected", "net")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    outer, outside = docker.engine.host.outer, internet.host
    routes = (("10.88.0.0/24", outer[0]), ("2001:db8:88::/64", outer[1]))
    for subnet, via in routes:
        outside.run(["ip", "route", "replace", subnet, "via", via])
    try:
        for key, number in (("IPAddress", 4), ("GlobalIPv6Address", 6)):
            assert outside.reaches(address(docker, "one", key=key), 80) is (number == version)
        for host in outer:
            assert outside.reaches(host, 8080)
    finally:
        for subnet, via in routes:
            outside.run(["ip", "route", "del", subnet, "via", via])


def test_interface_prefix(docker: Docker) -> None:
    """Interfaces are numbered by prefix, and a container with two has the one that each network says."""
    docker.out("network", "create", "-o", "com.docker.network.container_iface_prefix=lan", "net")
    docker.out("network", "create", "other")
    one = web(docker, "one", "--network", "net")
    web(docker, "two", "--network", "other")
    docker.out("network", "connect", "other", "one")
    shown = docker.out("exec", "one", "ip", "-o", "-4", "address")
    assert re.findall(r"^\d+: (\w+) .*inet ([\d.]+)", shown, re.MULTILINE)[1:] == [
        ("lan0", address(docker, "one")),
        ("eth0", address(docker, "one", "other")),
    ]
    assert one.reaches(address(docker, "two", "other"))
    assert one.reaches(GOOGLE)


def test_a_bridge_by_name(docker: Docker) -> None:
    """One that is there already is used as it is, brought up, and left when the network goes."""
    host = docker.engine.host
    host.run(["ip", "link", "add", "mine0", "type", "bridge"])
    try:
        docker.out("network", "create", "--subnet", "10.89.0.0/24", "-o", BRIDGE + "name=mine0", "net")
        web(docker, "one", "--network", "net", "-p", "8080:80")
        assert host.fetch(address(docker, "one"), 80) == b"one\n"
        assert host.fetch("127.0.0.1", 8080) == b"one\n"
        with router_on(docker, "mine0", "10.89.0.200/24") as neighbour:
            assert neighbour.fetch(address(docker, "one"), 80) == b"one\n"
        docker.out("rm", "-f", "one")
        docker.out("network", "rm", "net")
        assert "mine0" in links(docker)
    finally:
        host.run(["ip", "link", "del", "mine0"])


# ── endpoints ──


def test_endpoint_ifname(docker: Docker) -> None:
    docker.out("network", "create", "net")
    docker.out("network", "create", "other")
    option = "com.docker.network.endpoint.ifname"
    one = web(docker, "one", "--network", f"name=net,driver-opt={option}=up0")
    assert address(docker, "one") in docker.out("exec", "one", "ip", "address", "show", "up0")
    assert one.reaches(GOOGLE)
    refused = docker.fails("network", "connect", "--driver-opt", f"{option}=up0", "other", "one")
    assert "error renaming interface for network other to up0: file exists" in refused
    docker.out("network", "connect", "--driver-opt", f"{option}=side0", "other", "one")
    assert address(docker, "one", "other") in docker.out("exec", "one", "ip", "address", "show", "side0")
    docker.out("restart", "-t", "0", "one")
    shown = docker.out("exec", "one", "ip", "-o", "link")
    assert set(re.findall(r"^\d+: (\w+)", shown, re.MULTILINE)) == {"lo", "up0", "side0"}


def test_endpoint_sysctls(docker: Docker) -> None:
    """Of one interface and not of another; the kernel does as they say."""
    docker.out("network", "create", "--subnet", "10.90.0.0/24", "net")
    docker.out("network", "create", "other")
    # 8: answers no ARP request for a local address (ip-sysctl.rst)
    option = "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.arp_ignore=8,net.ipv4.conf.IFNAME.log_martians=1"
    web(docker, "one", "--network", f'name=net,"driver-opt={option}"')
    docker.out("network", "connect", "other", "one")
    path = "/proc/sys/net/ipv4/conf"
    shown = docker.lines("exec", "one", "cat", *(f"{path}/eth{each}/log_martians" for each in (0, 1)))
    assert shown == ["1", "0"]
    two = web(docker, "two", "--network", "net")
    docker.out("network", "connect", "other", "two")
    assert not two.reaches(address(docker, "one"))
    assert two.reaches(address(docker, "one", "other"))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("com.docker.network.endpoint.ifname=a-name-that-is-too-long", "an interface name has up to 15"),
        ("com.docker.network.endpoint.ifname=a/b", "an interface name has up to 15"),
        ("com.docker.network.endpoint.sysctls=net.ipv4.conf.eth0.log_martians=1", "is not of the form net.X.Y.IFNAME"),
        ("com.docker.network.endpoint.sysctls=kernel.IFNAME.a.b=1", "is not of the form net.X.Y.IFNAME"),
        ("com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians", "is not of the form net.X.Y.IFNAME"),
        ("com.docker.network.endpoint.nonsense=1", "an endpoint does not support the option"),
        ("com.docker.network.endpoint.nonsense=1", "it knows com.docker.network.endpoint.ifname"),
    ],
)
def test_endpoint_options_that_are_refused(docker: Docker, option: str, words: str) -> None:
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    assert words in docker.fails("network", "connect", "--driver-opt", option, "net", "one")
    assert words in docker.fails("run", "--name", "two", "--network", f'name=net,"driver-opt={option}"', "busybox")
    assert docker.inspect("two")["State"]["Status"] == "created"
    assert docker.inspect("network", "net")["Containers"] == {}
    assert set(docker.inspect("one")["NetworkSettings"]["Networks"]) == {"bridge"}


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (BRIDGE + "name=a/b", "an interface name has up to 15"),
        (BRIDGE + "name=lo", "has an interface lo that is no bridge"),
        (BRIDGE + "enable_ip_masquerade=perhaps", "strconv.ParseBool"),
        (BRIDGE + "inhibit_ipv4=perhaps", "strconv.ParseBool"),
        (BRIDGE + "host_binding_ipv4=nowhere", "(nil ip)"),
        (BRIDGE + "host_binding_ipv6=127.0.0.1", "(not an IPv6 address)"),
        (BRIDGE + "trusted_host_interfaces=eth0::eth1", "an interface name has up to 15"),
        ("com.docker.network.host_ipv4=::1", "(not an IPv4 address)"),
        ("com.docker.network.host_ipv6=127.0.0.1", "(not an IPv6 address)"),
        ("com.docker.network.container_iface_prefix=far-too-long", "a prefix has up to 11 characters"),
        ("com.docker.network.driver.mtu=65536", "invalid MTU number: 65536"),
        ("com.docker.network.driver.mtu=-1", "invalid MTU number: -1"),
        ("com.docker.network.advertise_addr_nmsgs=many", "strconv.Atoi"),
        (BRIDGE + "nonsense=1", f"does not support the option {BRIDGE}nonsense: leave it out; it knows com.docker"),
        ("weft.nonsense=1", "does not support the option weft.nonsense: leave it out; it knows com.docker"),
    ],
)
def test_network_options_that_are_refused(docker: Docker, option: str, words: str) -> None:
    before = links(docker)
    assert words in docker.fails("network", "create", "-o", option, "net")
    assert docker.lines("network", "ls", "--filter", "type=custom", "-q") == []
    assert links(docker) <= before  # a link of an earlier test may still be leaving


def test_defaults_that_no_network_can_have(make_engine: MakeEngine) -> None:
    """The default bridge has an MTU of its own; every other network is refused with the option and its value."""
    option = "com.docker.network.driver.mtu"
    docker = Docker(make_engine({"default-network-opts": {"bridge": {option: "many"}}}))
    docker.out("run", "--rm", "busybox", "true")
    assert f"failed to parse {option} value: many" in docker.fails("network", "create", "net")
    docker.out("network", "create", "-o", f"{option}=1400", "net")


# ── subnets on which a VPN leads elsewhere ──


def test_chosen_subnets_keep_clear_of_routes(make_engine: MakeEngine) -> None:
    """Where a VPN takes everything none is left: the route is named and what to do, and a named subnet works."""
    engine = make_engine()
    docker, host = Docker(engine), engine.host
    host.run(["ip", "link", "add", "vpn0", "type", "veth", "peer", "name", "vpn1"])
    for name in ("vpn0", "vpn1"):
        host.run(["ip", "link", "set", name, "up"])
    host.run(["ip", "route", "add", "172.18.0.0/15", "dev", "vpn0"])
    docker.out("network", "create", "net")
    assert docker.inspect("network", "net")["IPAM"]["Config"][0]["Subnet"] == "172.20.0.0/16"
    for half in ("0.0.0.0/1", "128.0.0.0/1"):
        host.run(["ip", "route", "add", half, "dev", "vpn0"])
    refused = docker.fails("network", "create", "second")
    assert "all predefined address pools have been fully subnetted" in refused
    assert "128.0.0.0/1 of a route of the host" in refused
    assert "name a subnet" in refused
    docker.out("network", "create", "--subnet", "10.91.0.0/24", "second")
    assert "collides" not in engine.log.read_text()  # it goes before the routes of the VPN, and harms none of them
    web(docker, "one", "--network", "second")
    assert host.reaches(address(docker, "one", "second"), 80)


@pytest.mark.parametrize("route", ["10.92.0.0/24", "10.92.0.128/25", "10.0.0.0/8"])
def test_a_named_subnet_on_a_route(docker: Docker, route: str) -> None:
    """Made, as Docker does, and not in silence."""
    host = docker.engine.host
    host.run(["ip", "route", "add", route, "dev", "lo"])
    try:
        wanted = {"Name": "net", "IPAM": {"Config": [{"Subnet": "10.92.0.0/24"}]}}
        warning = docker.engine.api.need("POST", "/networks/create", wanted)["Warning"]
        assert f"subnet 10.92.0.0/24 collides with the host's route to {route} by lo" in warning
        assert "choose another --subnet" in warning
        assert warning in docker.engine.log.read_text()  # the CLI does not show it
    finally:
        host.run(["ip", "route", "del", route, "dev", "lo"])
    docker.out("network", "rm", "net")
    before = docker.engine.log.read_text().count("collides")
    docker.out("network", "create", "--subnet", "10.92.0.0/24", "net")  # its own route is none that is in the way
    assert docker.engine.log.read_text().count("collides") == before
