"""Gateway modes, hardening and exposure, as a user sets them: options, labels, daemon.json."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.host import Host
from rig.inside import Inside
from rig.internet import Internet

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; httpd -p 81 -h /www; exec httpd -f -p 80 -h /www")
BRIDGE = "com.docker.network.bridge."
MakeEngine = Callable[..., Engine]

pytestmark = pytest.mark.weft_only("options of Docker 28, and weft.publish")


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


@pytest.fixture
def outside(internet: Internet) -> Host:
    """A neighbour of the engine's host, on its one cable."""
    return internet.host


def web(docker: Docker, name: str, *flags: str) -> Inside:
    """A web server on ports 80 and 81, up when this returns."""
    docker.out("run", "-d", "--name", name, "--hostname", name, *flags, *WEB)
    inside = Inside(docker.engine, name)
    eventually(lambda: inside.reaches("127.0.0.1") and inside.reaches("127.0.0.1", 81))
    return inside


def address(docker: Docker, name: str, network: str, key: str = "IPAddress") -> str:
    found: str = docker.inspect(name)["NetworkSettings"]["Networks"][network][key]
    return found


def pings(host: Host, target: str) -> bool:
    return host.run(["ping", "-c", "1", "-W", "2", target], check=False).returncode == 0


def with_route(outside: Host, docker: Docker, subnet: str) -> None:
    """Let the neighbour send what is for `subnet` to the engine's host."""
    via = docker.engine.host.outer[1 if ":" in subnet else 0]
    outside.run(["ip", "route", "replace", subnet, "via", via])


def test_a_routed_network(docker: Docker, outside: Host) -> None:
    docker.out("network", "create", "--subnet", "10.77.1.0/24", "-o", BRIDGE + "gateway_mode_ipv4=routed", "net")
    docker.out("network", "create", "other")
    with_route(outside, docker, "10.77.1.0/24")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    mate = web(docker, "mate", "--network", "other")
    where = address(docker, "one", "net")
    assert outside.reaches(where, 80)
    assert not outside.reaches(where, 81)
    assert pings(outside, where)
    assert mate.reaches(where)
    assert not mate.reaches(where, 81)
    assert not outside.reaches(docker.engine.host.outer[0], 8080)
    assert docker.inspect("one")["NetworkSettings"]["Ports"] == {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": ""}]}
    assert docker.out("ps", "--filter", "name=one", "--format", "{{.Ports}}") == "80/tcp"
    docker.out("restart", "-t", "0", "one")
    eventually(lambda: outside.reaches(where, 80))


def test_a_long_run_on_a_routed_network(docker: Docker, outside: Host) -> None:
    """One element lets in all of them, at their own numbers, and no other."""
    docker.out("network", "create", "--subnet", "10.77.3.0/24", "-o", BRIDGE + "gateway_mode_ipv4=routed", "net")
    with_route(outside, docker, "10.77.3.0/24")
    web(docker, "one", "--network", "net", "-p", "8000-8080:1-81")
    where = address(docker, "one", "net")
    assert outside.reaches(where, 80)
    assert outside.reaches(where, 81)
    assert f"{where} . tcp . 1-81" in docker.engine.host.output("nft", "list", "set", "inet", "weft", "direct_runs4")
    docker.out("rm", "-f", "one")
    web(docker, "two", "--network", "net", "-p", "8000-8079:1-80")
    where = address(docker, "two", "net")
    assert outside.reaches(where, 80)
    assert not outside.reaches(where, 81)


def test_routed_in_one_family_and_translated_in_the_other(docker: Docker, outside: Host) -> None:
    subnets = ("--ipv6", "--subnet", "10.77.2.0/24", "--subnet", "2001:db8:77::/64")
    docker.out("network", "create", *subnets, "-o", BRIDGE + "gateway_mode_ipv6=routed", "net")
    with_route(outside, docker, "2001:db8:77::/64")
    one = web(docker, "one", "--network", "net", "-p", "8080:80")
    assert docker.inspect("one")["NetworkSettings"]["Ports"] == {
        "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": ""}]
    }
    assert docker.out("port", "one", "80/tcp").splitlines()[0] == "0.0.0.0:8080"
    assert outside.reaches(docker.engine.host.outer[0], 8080)
    assert outside.reaches(address(docker, "one", "net", "GlobalIPv6Address"), 80)
    assert not outside.reaches(docker.engine.host.outer[1], 8080)
    assert one.reaches("127.0.0.1")


def test_a_routed_network_beside_the_gateway(docker: Docker, outside: Host) -> None:
    """Its ports are reached there, and those of the host lead to the network that has the default route."""
    docker.out("network", "create", "--subnet", "10.77.3.0/24", "-o", BRIDGE + "gateway_mode_ipv4=routed", "zrouted")
    docker.out("network", "create", "anet")
    with_route(outside, docker, "10.77.3.0/24")
    web(docker, "one", "--network", "anet", "-p", "8080:80")
    docker.out("network", "connect", "zrouted", "one")
    where = address(docker, "one", "zrouted")
    assert docker.engine.host.reaches(where, 80)
    mate = web(docker, "mate")
    assert mate.reaches(where)
    assert not mate.reaches(where, 81)
    assert outside.reaches(docker.engine.host.outer[0], 8080)
    docker.out("network", "disconnect", "zrouted", "one")
    assert not mate.reaches(where)
    assert outside.reaches(docker.engine.host.outer[0], 8080)


def test_isolated_is_for_internal_networks(docker: Docker) -> None:
    option = ("-o", BRIDGE + "gateway_mode_ipv4=isolated")
    assert "gateway mode 'isolated' can only be used for an internal network" in docker.fails(
        "network", "create", *option, "net"
    )
    docker.out("network", "create", "--internal", *option, "net")
    one = web(docker, "one", "--network", "net")
    web(docker, "two", "--network", "net")
    assert one.reaches(address(docker, "two", "net"))
    assert not docker.engine.host.reaches(address(docker, "two", "net"), 80)


def test_trusted_host_interfaces(docker: Docker, outside: Host) -> None:
    docker.out(
        "network", "create", "--subnet", "10.77.4.0/24", "-o", BRIDGE + "trusted_host_interfaces=eth7:eth0", "net"
    )
    with_route(outside, docker, "10.77.4.0/24")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    assert outside.reaches(address(docker, "one", "net"), 80)
    assert not outside.reaches(address(docker, "one", "net"), 81)


def test_no_direct_routing_by_itself(docker: Docker, outside: Host) -> None:
    docker.out("network", "create", "--subnet", "10.77.5.0/24", "net")
    with_route(outside, docker, "10.77.5.0/24")
    web(docker, "one", "--network", "net", "-p", "8080:80", "-p", "127.0.0.1:8081:81")
    assert not outside.reaches(address(docker, "one", "net"), 80)
    assert not pings(outside, address(docker, "one", "net"))
    assert not outside.reaches(docker.engine.host.outer[0], 8081)
    assert outside.reaches(docker.engine.host.outer[0], 8080)
    assert docker.engine.host.reaches("127.0.0.1", 8081)


def test_direct_routing_and_marks_of_the_daemon(make_engine: MakeEngine, outside: Host) -> None:
    engine = make_engine({"allow-direct-routing": True, "bridge-accept-fwmark": "0x4/0x4"})
    docker = Docker(engine)
    docker.out("network", "create", "--subnet", "10.77.6.0/24", "net")
    with_route(outside, docker, "10.77.6.0/24")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    where = address(docker, "one", "net")
    assert outside.reaches(where, 80)
    assert not outside.reaches(where, 81)
    own = 'table ip mine { chain in { type filter hook prerouting priority 0; iifname "eth0" meta mark set 0x5; }; }'
    engine.host.run(["nft", "-f", "-"], stdin=own)
    assert outside.reaches(where, 81)


@pytest.mark.parametrize(
    ("policy", "reached"), [("localhost", False), ("open", True), ("lan", True), ("203.0.113.0/24", False)]
)
def test_a_networks_policy(docker: Docker, outside: Host, policy: str, reached: bool) -> None:
    """The neighbour has a public address, and is local since it is directly connected."""
    docker.out("network", "create", "-o", f"weft.publish={policy}", "net")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    assert docker.inspect("network", "net")["Options"] == {"weft.publish": policy}
    assert outside.reaches(docker.engine.host.outer[0], 8080) is reached
    assert docker.engine.host.reaches(docker.engine.host.outer[0], 8080)
    assert docker.engine.host.reaches("127.0.0.1", 8080)


def test_the_most_specific_policy_holds(docker: Docker, outside: Host, internet: Internet) -> None:
    del internet
    docker.out("network", "create", "-o", "weft.publish=localhost", "net")
    labels = ("--label", "weft.publish=open", "--label", "weft.publish.81/tcp=localhost")
    web(docker, "one", "--network", "net", *labels, "-p", "8080:80", "-p", "8081:81")
    web(docker, "two", "--network", "net", "-p", "8082:80")
    host = docker.engine.host.outer[0]
    assert [outside.reaches(host, port) for port in (8080, 8081, 8082)] == [True, False, False]
    assert all(docker.engine.host.reaches(host, port) for port in (8080, 8081, 8082))
    docker.out("rm", "-f", "one", "two")
    web(docker, "three", "-p", "8081:81")  # at the address that the first one had: nothing of its policy is left
    assert outside.reaches(host, 8081)


@pytest.mark.parametrize(
    ("policy", "reached"), [("localhost", False), ("lan", True), ("203.0.113.0/24", False), ("0.0.0.0/0", True)]
)
def test_a_policy_of_a_long_run(docker: Docker, outside: Host, policy: str, reached: bool) -> None:
    """One element says it of all, but for the port that has a policy of its own, or was withdrawn."""
    host = docker.engine.host
    labels = ("--label", f"weft.publish={policy}", "--label", "weft.publish.150/tcp=open")
    docker.out("run", "-d", "--name", "one", "-p", "8020-8150:20-150", *labels, *WEB)
    inside = Inside(docker.engine, "one")
    eventually(lambda: inside.reaches("127.0.0.1") and inside.reaches("127.0.0.1", 81))
    for port in (8080, 8081):
        assert host.reaches("127.0.0.1", port)
        assert outside.reaches(host.outer[0], port) is reached
    if policy == "localhost":
        assert "tcp . 20-149 : goto refused" in host.output("nft", "list", "map", "inet", "weft", "exposure_runs4")
    docker.engine.api.need("POST", "/containers/one/unpublish", {"PortBindings": {"81/tcp": [{}]}})
    assert not host.reaches("127.0.0.1", 8081)
    assert outside.reaches(host.outer[0], 8080) is reached
    docker.out("rm", "-f", "one")
    assert ". tcp . " not in host.output("nft", "list", "map", "inet", "weft", "exposure_runs4")


def test_the_daemons_policy(make_engine: MakeEngine, outside: Host) -> None:
    engine = make_engine({"weft-publish": "localhost"})
    docker = Docker(engine)
    web(docker, "one", "-p", "8080:80")
    web(docker, "two", "--label", "weft.publish=lan", "-p", "8082:80")
    host = engine.host.outer[0]
    assert not outside.reaches(host, 8080)
    assert outside.reaches(host, 8082)
    assert engine.host.reaches("127.0.0.1", 8080)
    assert "\n  Publish: localhost" in Docker(engine, str(Path(sys.executable).with_name("weft"))).out("info")
    engine.host.run(["nft", "flush", "ruleset"])
    eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
    assert not outside.reaches(host, 8080)


def test_the_local_network_follows_the_hosts_addresses(docker: Docker, outside: Host) -> None:
    """A subnet that the host joins later is its neighbours' too."""
    web(docker, "one", "--label", "weft.publish=lan", "-p", "8080:80")
    host, cable = docker.engine.host, "eth0"
    outside.run(["ip", "addr", "add", "203.0.113.9/32", "dev", "lo"])
    host.run(["ip", "route", "add", "203.0.113.9/32", "via", _next_hop(host)])
    try:
        assert not _connects(outside, "203.0.113.9", host.outer[0])
        host.run(["ip", "addr", "add", "203.0.113.1/24", "dev", cable])
        eventually(lambda: _connects(outside, "203.0.113.9", host.outer[0]))
    finally:
        host.run(["ip", "addr", "del", "203.0.113.1/24", "dev", cable], check=False)
        host.run(["ip", "route", "del", "203.0.113.9/32"], check=False)
        outside.run(["ip", "addr", "del", "203.0.113.9/32", "dev", "lo"])


def _connects(sender: Host, source: str, address: str) -> bool:
    def connect() -> socket.socket:
        return socket.create_connection((address, 8080), timeout=0.5, source_address=(source, 0))

    try:
        sender.within(connect).close()
    except OSError:
        return False
    return True


def _next_hop(host: Host) -> str:
    found: str = json.loads(host.output("ip", "-j", "-4", "route", "show", "default"))[0]["gateway"]
    return found


@pytest.mark.parametrize("value", ["everyone", "10.0.0.1/24", "lan,localhost", "10.0.0.0/33"])
def test_policies_that_cannot_be_read(docker: Docker, value: str) -> None:
    said = docker.fails("network", "create", "-o", f"weft.publish={value}", "net")
    assert f"failed to parse weft.publish value: {value} (" in said
    said = docker.fails("create", "--label", f"weft.publish={value}", "busybox")
    assert f"invalid label weft.publish={value}: " in said
    assert docker.lines("ps", "-aq") == []


def test_a_label_of_no_port(docker: Docker) -> None:
    said = docker.fails("create", "--label", "weft.publish.web=lan", "busybox")
    assert "invalid label weft.publish.web=lan: web is no port: write weft.publish.80/tcp" in said


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("com.docker.network.advertise_addr_nmsgs=4", "must be in the range 0 to 3"),
        ("com.docker.network.advertise_addr_ms=99", "must be in the range 100 to 2000"),
        (BRIDGE + "gateway_mode_ipv6=through", "unknown gateway mode through"),
    ],
)
def test_options_out_of_range(docker: Docker, option: str, reason: str) -> None:
    label, _, value = option.partition("=")
    said = docker.fails("network", "create", "-o", option, "net")
    assert f"failed to parse {label} value: {value} ({reason})" in said


def test_ports_are_bound_where_the_network_says(docker: Docker, outside: Host) -> None:
    host = docker.engine.host.outer
    options = ("-o", f"{BRIDGE}host_binding_ipv4=127.0.0.1", "-o", f"{BRIDGE}host_binding_ipv6={host[1]}")
    docker.out("network", "create", "--ipv6", *options, "net")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    shown = [line.replace("[", "").replace("]", "") for line in docker.lines("port", "one", "80/tcp")]
    assert shown == ["127.0.0.1:8080", f"{host[1]}:8080"]  # an older CLI shows no brackets
    assert not outside.reaches(host[0], 8080)
    assert outside.reaches(host[1], 8080)
    assert docker.engine.host.reaches("127.0.0.1", 8080)


def test_the_mtu_is_that_of_the_default_route(make_engine: MakeEngine) -> None:
    engine = make_engine(start=False)
    engine.host.run(["ip", "link", "set", "eth0", "mtu", "1400"])
    engine.start()
    docker = Docker(engine)
    docker.out("network", "create", "net")
    docker.out("network", "create", "-o", "com.docker.network.driver.mtu=9000", "large")
    for network, mtu in (("bridge", "1400"), ("net", "1400"), ("large", "9000")):
        said = docker.out("run", "--rm", "--network", network, "busybox", "cat", "/sys/class/net/eth0/mtu")
        assert said == mtu
    assert docker.inspect("network", "bridge")["Options"]["com.docker.network.driver.mtu"] == "1400"
    assert docker.inspect("network", "net")["Options"] == {}
