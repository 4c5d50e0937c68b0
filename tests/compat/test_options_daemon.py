"""Options of daemon.json, by what passes and what does not: the default bridge's own, and the defaults of networks."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from rig.docker import Docker
from rig.engine import Engine, MakeEngine, WeftEngine
from rig.eventually import eventually
from rig.host import Host
from rig.inside import Inside
from rig.internet import GOOGLE, GOOGLE6, RESOLVER, Internet
from rig.link import link

pytestmark = pytest.mark.weft_only("options of Docker 28")

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")


def web(docker: Docker, name: str, *flags: str) -> Inside:
    """A web server on port 80 that answers with `name`, up when this returns."""
    docker.out("run", "-d", "--name", name, "--hostname", name, *flags, *WEB)
    inside = Inside(docker.engine, name)
    eventually(lambda: inside.reaches("127.0.0.1"))
    return inside


def address(docker: Docker, name: str, network: str = "bridge", key: str = "IPAddress") -> str:
    found: str = docker.inspect(name)["NetworkSettings"]["Networks"][network][key]
    return found


def prepared(make_engine: MakeEngine, config: dict[str, Any], **sysctls: int) -> Engine:
    """An engine in a host with these kernel settings."""
    engine = make_engine(config, start=False)
    engine.host.sysctl(**sysctls)
    engine.start()
    return engine


# ── the default bridge ──


def test_bridge(make_engine: MakeEngine) -> None:
    """Containers join a bridge of the administrator's, with whom else is on it, and leave it as it was."""
    engine = make_engine({"bridge": "own0"}, start=False)
    engine.host.run(["ip", "link", "add", "own0", "type", "bridge"])
    engine.host.run(["ip", "address", "add", "10.80.0.1/24", "dev", "own0"])
    engine.host.run(["ip", "link", "set", "own0", "up"])
    docker = Docker(engine)
    with Host("neighbour") as neighbour:
        cable = link(engine.host, neighbour)
        engine.host.run(["ip", "link", "set", cable.interfaces[0], "master", "own0"])
        neighbour.run(["ip", "address", "add", "10.80.0.200/24", "dev", cable.interfaces[1]])
        engine.start()
        one = web(docker, "one", "-p", "8080:80")
        assert address(docker, "one").startswith("10.80.0.")
        assert neighbour.fetch(address(docker, "one"), 80) == b"one\n"
        assert engine.host.fetch("127.0.0.1", 8080) == b"one\n"
        assert one.fetch(GOOGLE).decode() == engine.host.outer[0]
        assert "docker0" not in engine.host.output("ip", "-o", "link")


def test_the_default_bridge_stays_over_restarts(make_engine: MakeEngine) -> None:
    """Nothing has changed: neither is it made anew, nor is anybody warned that it is not."""
    engine = make_engine()
    docker, place = Docker(engine), "/sys/class/net/docker0/ifindex"
    before = engine.host.output("cat", place)
    engine.restart()
    assert engine.host.output("cat", place) == before
    one = web(docker, "one")
    engine.restart()
    assert engine.host.output("cat", place) == before
    assert "keeps its configuration" not in engine.log.read_text()
    assert one.fetch(GOOGLE).decode() == engine.host.outer[0]


def test_no_bridge_at_all(make_engine: MakeEngine) -> None:
    engine = make_engine({"bridge": "none"})
    docker = Docker(engine)
    assert "docker0" not in engine.host.output("ip", "-o", "link")
    assert docker.lines("network", "ls", "--format", "{{.Name}}") == ["host", "none"]
    assert "network bridge not found" in docker.fails("run", "--rm", "busybox", "true")
    docker.out("network", "create", "net")
    assert web(docker, "one", "--network", "net").reaches(GOOGLE)


def test_a_bridge_that_is_not_there(make_engine: MakeEngine) -> None:
    engine = make_engine({"bridge": "own0"}, start=False)
    assert engine.launch().wait(30) != 0
    assert "bridge: the host has no interface own0: make it first" in engine.log.read_text()


def test_bip6_and_fixed_cidr_v6(make_engine: MakeEngine, internet: Internet) -> None:
    """The bridge has the one address, containers are of the other range, both families are carried on."""
    config = {"ipv6": True, "bip6": "2001:db8:5::5/64", "fixed-cidr-v6": "2001:db8:5::100/120"}
    engine = make_engine(config)
    docker = Docker(engine)
    assert "inet6 2001:db8:5::5/64" in engine.host.output("ip", "address", "show", "docker0")
    one = web(docker, "one", "-p", "8080:80")
    assert address(docker, "one", key="GlobalIPv6Address") in (f"2001:db8:5::{last}" for last in ("100", "101"))
    assert address(docker, "one", key="IPv6Gateway") == "2001:db8:5::5"
    assert one.fetch(GOOGLE6).decode() == engine.host.outer[1]
    assert internet.host.fetch(engine.host.outer[1], 8080) == b"one\n"
    assert docker.engine.host.fetch(address(docker, "one", key="GlobalIPv6Address"), 80) == b"one\n"


def test_default_gateways(make_engine: MakeEngine) -> None:
    """Nothing leaves while nobody has the gateways' addresses, and all does when the host takes them."""
    config = {
        "ipv6": True,
        "bip": "10.81.0.1/24",
        "bip6": "2001:db8:6::1/64",
        "default-gateway": "10.81.0.99",
        "default-gateway-v6": "2001:db8:6::99",
    }
    engine = make_engine(config)
    one = web(Docker(engine), "one")
    assert not one.reaches(GOOGLE)
    assert not one.reaches(GOOGLE6)
    for prefix in ("10.81.0.99/24", "2001:db8:6::99/64"):
        nodad = ["nodad"] if ":" in prefix else []
        engine.host.run(["ip", "address", "add", prefix, "dev", "docker0", *nodad])
    eventually(lambda: one.reaches(GOOGLE))
    eventually(lambda: one.reaches(GOOGLE6))


def test_mtu(make_engine: MakeEngine) -> None:
    """Of the default bridge the daemon's, of a network its own; what is larger and may not be cut does not leave."""
    docker = Docker(make_engine({"mtu": 1300}))
    docker.out("network", "create", "-o", "com.docker.network.driver.mtu=1280", "net")
    for name, network, largest in (("one", "bridge", 1300), ("two", "net", 1280)):
        docker.out("run", "-d", "--name", name, "--network", network, "busybox", "top")
        with Inside(docker.engine, name).udp() as sock:
            sock.setsockopt(socket.IPPROTO_IP, _MTU_DISCOVER, _PROBE)
            place = (GOOGLE, 9)
            sock.sendto(bytes(largest - 28), place)
            with pytest.raises(OSError, match="Message too long"):
                sock.sendto(bytes(largest - 27), place)


_MTU_DISCOVER, _PROBE = 10, 3  # linux/in.h: never cut, whatever was learnt of the way


def test_ip(make_engine: MakeEngine, internet: Internet) -> None:
    """Ports without a host address are bound to it, and those that name one to that."""
    engine = make_engine({"ip": "127.0.0.1"})
    docker = Docker(engine)
    web(docker, "one", "-p", "8080:80", "-p", f"{engine.host.outer[0]}:8081:80")
    assert docker.out("port", "one").splitlines() == [
        "80/tcp -> 127.0.0.1:8080",
        f"80/tcp -> {engine.host.outer[0]}:8081",
    ]
    assert engine.host.reaches("127.0.0.1", 8080)
    assert not engine.host.reaches(engine.host.outer[0], 8080)
    assert not internet.host.reaches(engine.host.outer[0], 8080)
    assert internet.host.reaches(engine.host.outer[0], 8081)


def test_ip_masq(make_engine: MakeEngine) -> None:
    """Without it what leaves has the container's own address, to which nobody outside knows a way."""
    engine = make_engine({"ip-masq": False})
    docker = Docker(engine)
    one = web(docker, "one")
    assert not one.reaches(GOOGLE)
    docker.out("network", "create", "net")
    assert web(docker, "two", "--network", "net").reaches(GOOGLE)  # it is the default bridge's alone


# ── the whole daemon ──


def test_ip_forward(make_engine: MakeEngine) -> None:
    """Without it the daemon leaves the host's forwarding alone."""
    off = {"net__ipv4__ip_forward": 0, "net__ipv6__conf__all__forwarding": 0}
    engine = prepared(make_engine, {"ip-forward": False}, **off)
    docker = Docker(engine)
    docker.out("network", "create", "--ipv6", "net")
    one = web(docker, "one", "--network", "net")
    assert not one.reaches(GOOGLE)
    assert not one.reaches(GOOGLE6)
    engine.host.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)
    assert one.reaches(GOOGLE)
    assert one.reaches(GOOGLE6)
    # and by default it is turned on
    engine = prepared(make_engine, {}, **off)
    docker = Docker(engine)
    assert web(docker, "one").reaches(GOOGLE)
    docker.out("network", "create", "--ipv6", "net")
    assert web(docker, "two", "--network", "net").reaches(GOOGLE6)


@pytest.mark.parametrize("value", [False, True])
def test_ip_forward_no_drop(make_engine: MakeEngine, internet: Internet, value: bool) -> None:
    """Where Docker turns forwarding on it drops what is not its own; Weft never does, as if this were always set."""
    off = {"net__ipv4__ip_forward": 0}
    engine = prepared(make_engine, {"ip-forward-no-drop": value}, **off)
    with Host("neighbour") as neighbour:
        cable = link(engine.host, neighbour, "203.0.113.8/30")
        neighbour.run(["ip", "route", "add", "default", "via", cable.addresses[4][0]])
        internet.host.run(["ip", "route", "replace", "203.0.113.8/30", "via", engine.host.outer[0]])
        try:
            assert neighbour.reaches(GOOGLE, 80)
        finally:
            internet.host.run(["ip", "route", "del", "203.0.113.8/30"])


@pytest.mark.parametrize("value", [False, True])
def test_live_restore(make_engine: MakeEngine, value: bool) -> None:
    """It is always on."""
    engine = make_engine({"live-restore": value})
    web(Docker(engine), "one", "-p", "8080:80")
    engine.stop()
    assert engine.host.fetch("127.0.0.1", 8080) == b"one\n"
    engine.start()
    assert engine.host.fetch("127.0.0.1", 8080) == b"one\n"


def test_dns_dns_opts_and_dns_search(make_engine: MakeEngine) -> None:
    """The host's own resolv.conf leads nowhere here; a container's own settings go before the daemon's."""
    config = {"dns": [RESOLVER], "dns-search": ["com", "example.com"], "dns-opts": ["ndots:2", "timeout:3"]}
    engine = make_engine(config, start=False)
    engine.host.path("/etc/resolv.conf").write_text("nameserver 203.0.113.99\nsearch nowhere.example\n")
    engine.start()
    docker = Docker(engine)
    docker.out("network", "create", "net")
    for network in ("bridge", "net"):
        shown = docker.lines("run", "--rm", "--network", network, "busybox", "cat", "/etc/resolv.conf")
        assert "search com example.com" in shown
        (options,) = (line.split()[1:] for line in shown if line.startswith("options"))
        assert {"ndots:2", "timeout:3"} <= set(options)
        for name in ("google", "four", "google.com"):  # the first two by the search list
            assert GOOGLE in docker.out("run", "--rm", "--network", network, "busybox", "ping", "-c1", "-4", name), name
    own = ("--dns-search", "org", "--dns-option", "ndots:5", "--dns", "203.0.113.98")
    shown = docker.lines("run", "--rm", *own, "busybox", "cat", "/etc/resolv.conf")
    assert [line for line in shown if not line.startswith("#") and line] == [
        "nameserver 203.0.113.98",
        "search org",
        "options ndots:5",
    ]


def test_host_gateway_ips(make_engine: MakeEngine) -> None:
    """`host-gateway` stands for these addresses; without the option, for the bridge's."""
    engine = make_engine({"host-gateway-ips": [GOOGLE, GOOGLE6]})
    docker = Docker(engine)
    add = ("--add-host", "up:host-gateway")
    assert docker.out("run", "--rm", *add, "busybox", "wget", "-qO-", "http://up/") == engine.host.outer[0]
    assert f"{GOOGLE6}\tup" in docker.lines("run", "--rm", *add, "busybox", "cat", "/etc/hosts")
    plain = Docker(make_engine())
    web(plain, "one", "-p", "8080:80")
    assert plain.out("run", "--rm", *add, "busybox", "wget", "-qO-", "http://up:8080/") == "one"
    assert "172.17.0.1\tup" in plain.lines("run", "--rm", *add, "busybox", "cat", "/etc/hosts")


def test_default_address_pools(make_engine: MakeEngine) -> None:
    """In order, of the given size, for both families, and until they are used up."""
    pools = [
        {"base": "10.82.0.0/23", "size": 24},
        {"base": "10.83.0.0/24", "size": 24},
        {"base": "fd82::/48", "size": 64},
    ]
    docker = Docker(make_engine({"default-address-pools": pools}))
    subnets = [docker.inspect("network", "bridge")["IPAM"]["Config"][0]["Subnet"]]
    for name in ("one", "two"):
        docker.out("network", "create", "--ipv6", name)
        subnets += [each["Subnet"] for each in docker.inspect("network", name)["IPAM"]["Config"]]
    assert subnets == ["10.82.0.0/24", "10.82.1.0/24", "fd82::/64", "10.83.0.0/24", "fd82:0:0:1::/64"]
    web(docker, "first", "--network", "two")
    second = web(docker, "second", "--network", "two")
    for key in ("IPAddress", "GlobalIPv6Address"):
        assert second.fetch(address(docker, "first", "two", key)) == b"first\n"
    assert second.fetch(GOOGLE).decode() == docker.engine.host.outer[0]
    assert "all predefined address pools have been fully subnetted" in docker.fails("network", "create", "three")


def test_default_network_opts(make_engine: MakeEngine) -> None:
    """A network that says otherwise is as it says; a driver has its own; the default bridge keeps daemon.json's."""
    options = {"com.docker.network.bridge.enable_icc": "false", "com.docker.network.driver.mtu": "1300"}
    config = {"default-network-opts": {"bridge": options, "macvlan": {"com.docker.network.driver.mtu": "1200"}}}
    docker = Docker(make_engine(config))
    docker.out("network", "create", "closed")
    docker.out("network", "create", "-o", "com.docker.network.bridge.enable_icc=true", "open")
    for network, passes in (("closed", False), ("open", True), ("bridge", True)):
        web(docker, f"{network}1", "--network", network)
        second = web(docker, f"{network}2", "--network", network)
        assert second.reaches(address(docker, f"{network}1", network)) is passes, network
    docker.out("network", "create", "-d", "macvlan", "lan")
    for network, mtu in (("closed", "1300"), ("open", "1300"), ("lan", "1200")):
        said = docker.out("run", "--rm", "--network", network, "busybox", "cat", "/sys/class/net/eth0/mtu")
        assert said == mtu, network


# ── what cannot be ──


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"bip": "10.81.0.1/33"}, "bip"),
        ({"bip": "2001:db8::1/64"}, "bip"),
        ({"bip6": "10.81.0.1/24"}, "bip6"),
        ({"fixed-cidr": "nonsense"}, "fixed-cidr"),
        ({"bip": "10.81.0.1/24", "fixed-cidr": "10.82.0.0/25"}, "fixed-cidr 10.82.0.0/25 is not within bip's subnet"),
        ({"ipv6": True, "bip6": "2001:db8::1/64", "fixed-cidr-v6": "2001:db9::/80"}, "2001:db9::/80 is not within"),
        ({"bridge": "own0", "bip": "10.81.0.1/24"}, "bip"),
        ({"default-gateway": "2001:db8::1"}, "default-gateway"),
        ({"default-gateway-v6": "10.81.0.1"}, "default-gateway-v6"),
        ({"mtu": -1}, "invalid default MTU: -1"),
        ({"mtu": 65536}, "invalid default MTU: 65536"),
        ({"ip": "127.0.0.256"}, "ip"),
        ({"icc": "perhaps"}, "icc"),
        ({"dns": ["nobody"]}, "nobody"),
        ({"host-gateway-ips": ["nobody"]}, "nobody"),
        ({"default-address-pools": [{"base": "10.0.0.0/16", "size": 8}]}, "10.0.0.0/16"),
        ({"default-network-opts": {"bridge": {"com.docker.network.bridge.inhibit_ipv4": "many"}}}, "many"),
        ({"default-network-opts": {"bridge": {"com.docker.network.bridge.nonsense": "1"}}}, "it knows"),
        ({"bridge-accept-fwmark": "many"}, "bridge-accept-fwmark"),
        ({"weft-publish": "everyone"}, "everyone"),
        ({"nonsense": 1}, "nonsense"),
    ],
    ids=str,
)
def test_refused_at_the_start(refusing: Engine, config: dict[str, Any], words: str) -> None:
    """The daemon ends and names what is wrong; nothing is made."""
    refusing.config = config
    assert refusing.launch().wait(30) != 0
    assert words in refusing.log.read_text()
    assert "docker0" not in refusing.host.output("ip", "-o", "link")
    assert "table inet weft" not in refusing.host.output("nft", "list", "tables")


@pytest.fixture
def refusing() -> Iterator[Engine]:
    """An engine that does not run yet, in a host that nothing happened in."""
    with Host("refusing") as host:
        yield WeftEngine(host)
