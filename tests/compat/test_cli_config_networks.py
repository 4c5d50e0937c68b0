"""`docker network create --config-only` and `--config-from`: what is copied, what is refused, when they may go."""

from __future__ import annotations

import re

import pytest

from rig.docker import Docker
from rig.engine import Kind, MakeEngine

HELD = (
    *("--subnet", "10.56.0.0/16", "--gateway", "10.56.0.254", "--ip-range", "10.56.7.0/24"),
    *("--aux-address", "router=10.56.7.1", "-o", "com.docker.network.driver.mtu=1234", "--label", "team=blue"),
)
IPAM = {
    "Subnet": "10.56.0.0/16",
    "IPRange": "10.56.7.0/24",
    "Gateway": "10.56.0.254",
    "AuxiliaryAddresses": {"router": "10.56.7.1"},
}


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    return docker_newest


def links(docker: Docker) -> list[str]:
    return re.findall(r"^\d+: ([^:@]+)", docker.engine.host.output("ip", "-o", "link"), re.MULTILINE)


def lasting(docker: Docker, name: str) -> list[object]:
    """What of a network stays; the reference forgets to show the gateway until its next start."""
    network = docker.inspect("network", name)
    subnet = network["IPAM"]["Config"][0]["Subnet"]
    return [*(network[key] for key in ("Id", "Driver", "ConfigFrom", "ConfigOnly", "Options")), subnet]


def test_a_configuration_is_shown_and_is_nothing_in_the_kernel(docker: Docker) -> None:
    before = links(docker)
    identity = docker.out("network", "create", "--config-only", *HELD, "config")
    assert set(links(docker)) <= set(before)  # a link of an earlier test may still be leaving
    network = docker.inspect("network", "config")
    assert (network["Id"], network["Driver"], network["Scope"]) == (identity, "null", "local")
    assert (network["ConfigOnly"], network["ConfigFrom"]) == (True, {"Network": ""})
    assert network["IPAM"]["Config"] == [IPAM]
    assert network["Options"] == {"com.docker.network.driver.mtu": "1234"}
    assert network["Labels"] == {"team": "blue"}
    line = docker.out("network", "ls", "--filter", "name=^config$", "--format", "{{.Driver}} {{.Scope}}")
    assert line == "null local"
    assert "config" in docker.lines("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}")


def test_a_network_from_a_configuration_has_all_of_it(docker: Docker) -> None:
    docker.out("network", "create", "--config-only", *HELD, "config")
    docker.out("network", "create", "--config-from", "config", "net")
    network = docker.inspect("network", "net")
    assert (network["Driver"], network["Scope"], network["ConfigOnly"]) == ("bridge", "local", False)
    assert network["ConfigFrom"] == {"Network": "config"}
    assert network["IPAM"]["Config"] == [IPAM]
    assert network["Options"] == {"com.docker.network.driver.mtu": "1234"}
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "top")
    docker.out("run", "-d", "--name", "other", "--network", "net", "busybox", "top")
    assert docker.out("exec", "one", "cat", "/sys/class/net/eth0/mtu") == "1234"
    assert docker.inspect("one")["NetworkSettings"]["Networks"]["net"]["Gateway"] == "10.56.0.254"
    assert "1 packets received" in docker.out("exec", "one", "ping", "-c1", "-W2", "other")
    assert docker.fails("network", "create", "--config-from", "config", "net2")  # its subnet is taken


def test_families_labels_and_address_management_are_the_configurations(docker: Docker) -> None:
    docker.out("network", "create", "--config-only", "--ipv6", "--subnet", "fd56::/64", "--label", "team=blue", "six")
    docker.out("network", "create", "--config-from", "six", "net")
    network = docker.inspect("network", "net")
    assert (network["EnableIPv6"], network["Labels"]) == (True, {"team": "blue"})
    for name in ("one", "other"):
        docker.out("run", "-d", "--name", name, "--network", "net", "busybox", "top")
    there = docker.inspect("other")["NetworkSettings"]["Networks"]["net"]["GlobalIPv6Address"]
    assert there.startswith("fd56::")
    assert "1 packets received" in docker.out("exec", "one", "ping", "-6", "-c1", "-W2", there)
    docker.out("network", "create", "--config-only", "--ipam-driver", "null", "none-at-all")
    assert "ipv4 pool is empty" in docker.fails("network", "create", "--config-from", "none-at-all", "empty")


def test_a_configuration_stays_while_a_network_depends_on_it(docker: Docker) -> None:
    docker.out("network", "create", "--config-only", *HELD, "config")
    docker.out("network", "create", "--config-from", "config", "net")
    assert 'configuration network "config" is in use' in docker.fails("network", "rm", "config")
    assert "net" in docker.out("network", "prune", "-f")
    names = docker.lines("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}")
    assert names == ["config"]
    docker.out("network", "create", "--config-from", "config", "net")
    docker.out("network", "rm", "net")
    docker.out("network", "rm", "config")
    assert docker.lines("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}") == []


def test_a_configuration_without_anything_gives_a_network_of_the_pools(docker: Docker) -> None:
    docker.out("network", "create", "--config-only", "config")
    docker.out("network", "create", "--config-from", "config", "one")
    docker.out("network", "create", "--config-from", "config", "--internal", "--attachable", "other")
    found = [docker.inspect("network", name) for name in ("one", "other")]
    assert len({network["IPAM"]["Config"][0]["Subnet"] for network in found}) == 2
    assert [(network["Internal"], network["Attachable"]) for network in found] == [(False, False), (True, True)]


@pytest.mark.parametrize(
    ("flags", "refusal"),
    [
        (("--config-only", "--internal"), "Network operator fields like"),
        (("--config-only", "--attachable"), "Network operator fields like"),
        (("--config-only", "--scope", "local"), "Network operator fields like"),
        (("--config-only", "--config-from", "config"), "cannot depend on another configuration network"),
        (("--config-from", "config", "--subnet", "10.57.0.0/16"), "user specified configurations are not supported"),
        (("--config-from", "config", "--ipv6"), "user specified configurations are not supported"),
        (("--config-from", "config", "--label", "a=b"), "user specified configurations are not supported"),
        (("--config-from", "config", "--ipam-opt", "a=b"), "user specified configurations are not supported"),
        (("--config-from", "config", "-o", "a=b"), "network driver options are not supported"),
        (("--config-from", "nobody"), 'configuration network "nobody"'),
        (("--config-from", "bridge"), 'configuration network "bridge"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_refusals(docker: Docker, flags: tuple[str, ...], refusal: str) -> None:
    docker.out("network", "create", "--config-only", *HELD, "config")
    before = links(docker)
    assert refusal in docker.fails("network", "create", *flags, "net")
    assert set(links(docker)) <= set(before)  # a link of an earlier test may still be leaving
    assert docker.lines("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}") == ["config"]


def test_no_container_is_on_a_configuration(docker: Docker) -> None:
    docker.out("network", "create", "--config-only", *HELD, "config")
    refusal = "cannot create endpoint on configuration-only network"
    assert refusal in docker.fails("run", "-d", "--network", "config", "busybox", "top")
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    assert refusal in docker.fails("network", "connect", "config", "one")


@pytest.mark.weft_only("a scope without a swarm is answered with other words by API 1.41")
def test_a_swarm_wide_network_needs_a_swarm(docker: Docker) -> None:
    docker.out("network", "create", "--config-only", *HELD, "config")
    refused = docker.fails("network", "create", "--scope", "swarm", "--config-from", "config", "net")
    assert "This node is not a swarm manager" in refused


def test_both_go_on_after_a_restart_and_default_options_keep_away(make_engine: MakeEngine, kind: Kind) -> None:
    option = "com.docker.network.driver.mtu"
    config = {"default-network-opts": {"bridge": {option: "1300"}}} if kind == "weft" else {}
    engine = make_engine(config)
    docker = Docker(engine)
    docker.out("network", "create", "--config-only", "--subnet", "10.56.0.0/16", "config")
    docker.out("network", "create", "--config-from", "config", "net")
    assert option not in docker.inspect("network", "net")["Options"]
    before = [lasting(docker, name) for name in ("config", "net")]
    engine.kill()
    engine.start()
    assert [lasting(docker, name) for name in ("config", "net")] == before
    assert "is in use" in docker.fails("network", "rm", "config")
    docker.out("run", "--rm", "--network", "net", "busybox", "true")
    docker.out("network", "rm", "net", "config")
