"""The tutorial's sections on host mode and none, and the daemon.json of the default bridge."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rig.docker import Docker
from rig.engine import Engine, Kind, MakeEngine
from rig.eventually import eventually
from rig.image import NGINX_PAGE

DISCARDED = "WARNING: Published ports are discarded when using host network mode"


def test_host_mode_shares_the_hosts_network(docker: Docker, engine: Engine) -> None:
    """ "if you run a container which binds to port 80 and you use host networking, the container's application is
    available on port 80 on the host's IP address"."""
    docker.out("run", "-d", "--name", "my-nginx", "--network", "host", "nginx")
    assert eventually(lambda: engine.host.reaches("127.0.0.1", 80))
    assert engine.host.fetch(engine.host.outer[0], 80).decode() == NGINX_PAGE
    networks = docker.inspect("my-nginx")["NetworkSettings"]["Networks"]
    assert set(networks) == {"host"}
    assert networks["host"]["IPAddress"] == ""
    shown = docker.out("run", "--rm", "--network", "host", "alpine", "ip", "-o", "link")
    assert re.findall(r"^\d+: ([^:@]+)", shown, re.MULTILINE) == re.findall(
        r"^\d+: ([^:@]+)", engine.host.output("ip", "-o", "link"), re.MULTILINE
    )
    assert docker.out("run", "--rm", "--network", "host", "alpine", "hostname") == engine.host.hostname


def test_host_mode_discards_published_ports_with_a_warning(docker: Docker, engine: Engine) -> None:
    done = docker("run", "-d", "--network", "host", "-p", "8080:80", "nginx")
    assert done.returncode == 0
    assert DISCARDED in done.stderr
    assert eventually(lambda: engine.host.reaches("127.0.0.1", 80))
    assert not engine.host.reaches("127.0.0.1", 8080)


def test_none_has_a_loopback_alone(docker: Docker) -> None:
    shown = docker.out("run", "--rm", "--network", "none", "alpine", "ip", "addr", "show")
    assert re.findall(r"^\d+: ([^:@]+)", shown, re.MULTILINE) == ["lo"]
    assert "inet 127.0.0.1/8" in shown
    assert docker("run", "--rm", "--network", "none", "alpine", "ping", "-c", "1", "172.17.0.1").returncode != 0


# The page's example, word for word.
EXAMPLE: dict[str, Any] = {
    "bip": "192.168.1.5/24",
    "fixed-cidr": "192.168.1.5/25",
    "fixed-cidr-v6": "2001:db8::/64",
    "mtu": 1500,
    "default-gateway": "10.20.1.1",
    "default-gateway-v6": "2001:db8:abcd::89",
    "dns": ["10.20.1.2", "10.20.1.3"],
}


@pytest.mark.reference_only("its default gateway lies outside the subnet, which Weft takes")
def test_docker_refuses_the_example(make_engine: MakeEngine) -> None:
    engine = make_engine(EXAMPLE, start=False)
    assert engine.launch().wait(30) != 0
    assert "10.20.1.1" in engine.log.read_text()


def test_the_example_daemon_json(make_engine: MakeEngine, kind: Kind) -> None:
    """As printed with Weft; with the one value changed that Docker does not take, with Docker."""
    gateway = "192.168.1.254" if kind == "docker" else EXAMPLE["default-gateway"]
    engine = make_engine(EXAMPLE | {"default-gateway": gateway})
    docker = Docker(engine)
    config = docker.inspect("network", "bridge")["IPAM"]["Config"]
    assert config[0]["Subnet"] == "192.168.1.0/24"
    assert config[0]["Gateway"] == "192.168.1.5"
    assert config[0]["IPRange"] == "192.168.1.0/25"
    assert "inet 192.168.1.5/24" in engine.host.output("ip", "-o", "addr", "show", "docker0")
    shown = docker.lines("run", "--rm", "busybox", "cat", "/etc/resolv.conf")
    assert [line for line in shown if "nameserver" in line] == ["nameserver 10.20.1.2", "nameserver 10.20.1.3"]
    assert f"default via {gateway}" in docker.out("run", "--rm", "busybox", "ip", "route")
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    assert docker.inspect("one")["NetworkSettings"]["IPAddress"] == "192.168.1.1"
    assert docker.out("exec", "one", "cat", "/sys/class/net/eth0/mtu") == "1500"
    # "Restart Docker for the changes to take effect."
    engine.config |= {"mtu": 1400, "dns": ["10.20.1.9"]}
    docker.out("rm", "-f", "one")
    engine.restart()
    assert docker.out("run", "--rm", "busybox", "cat", "/sys/class/net/eth0/mtu") == "1400"
    assert "nameserver 10.20.1.9" in docker.out("run", "--rm", "busybox", "cat", "/etc/resolv.conf")


def test_ipv6_on_the_default_bridge(make_engine: MakeEngine) -> None:
    """ "If you configure Docker for IPv6 support, the default bridge network is also configured for IPv6"."""
    engine = make_engine({"ipv6": True, "fixed-cidr-v6": "2001:db8:1::/64"})
    docker = Docker(engine)
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    settings = docker.inspect("one")["NetworkSettings"]
    assert settings["GlobalIPv6Address"].startswith("2001:db8:1::")
    assert docker.inspect("network", "bridge")["EnableIPv6"] is True
    assert "2001:db8:1::1" in docker.out("exec", "one", "ip", "-6", "route", "show", "default")
    docker.out("exec", "one", "ping", "-6", "-c", "1", "2001:db8:1::1")
