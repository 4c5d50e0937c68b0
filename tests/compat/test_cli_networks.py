"""`docker network`: create with all its flags, ls, inspect, connect, disconnect, rm, prune, and their refusals."""

from __future__ import annotations

import json
import re

import pytest

from rig.docker import CLIS, Docker

SUBNET = ("--subnet", "10.55.0.0/16")


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here; the tutorial's tests use both."""
    return docker_newest


def address(docker: Docker, container: str, network: str, field: str = "IPAddress") -> str:
    """One field of a container's endpoint."""
    return str(docker.inspect(container)["NetworkSettings"]["Networks"][network][field])


def links(docker: Docker) -> list[str]:
    """The names of the host's links."""
    return re.findall(r"^\d+: ([^:@]+)", docker.engine.host.output("ip", "-o", "link"), re.MULTILINE)


def test_all_flags_of_create(docker: Docker) -> None:
    identity = docker.out(
        *("network", "create", "--driver", "bridge", *SUBNET, "--gateway", "10.55.0.254", "--ip-range", "10.55.7.0/24"),
        *("--aux-address", "router=10.55.7.1", "--label", "team=blue", "--label", "plain", "--attachable"),
        *("-o", "com.docker.network.bridge.name=blue0", "-o", "com.docker.network.driver.mtu=1234", "net"),
    )
    network = docker.inspect("network", "net")
    assert network["Id"] == identity
    assert network["IPAM"] == {
        "Driver": "default",
        "Options": {},
        "Config": [
            {
                "Subnet": "10.55.0.0/16",
                "IPRange": "10.55.7.0/24",
                "Gateway": "10.55.0.254",
                "AuxiliaryAddresses": {"router": "10.55.7.1"},
            }
        ],
    }
    assert network["Labels"] == {"team": "blue", "plain": ""}
    assert network["Options"] == {
        "com.docker.network.bridge.name": "blue0",
        "com.docker.network.driver.mtu": "1234",
    }
    assert (network["Attachable"], network["Internal"], network["Ingress"]) == (True, False, False)
    shown = docker.engine.host.output("ip", "addr", "show", "blue0")
    assert "inet 10.55.0.254/16" in shown
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "top")
    # The range's first free address: .0 is not the subnet's own, .1 is the router's.
    assert address(docker, "one", "net") in ("10.55.7.0", "10.55.7.2")
    assert address(docker, "one", "net", "Gateway") == "10.55.0.254"
    assert docker.out("exec", "one", "cat", "/sys/class/net/eth0/mtu") == "1234"


def test_bridges_are_named_after_the_network(docker: Docker) -> None:
    identity = docker.out("network", "create", "net")
    assert f"br-{identity[:12]}" in docker.engine.host.output("ip", "-o", "link")
    docker.out("network", "rm", "net")
    assert f"br-{identity[:12]}" not in docker.engine.host.output("ip", "-o", "link")


def test_subnets_come_from_the_default_pools(docker: Docker) -> None:
    found = []
    for number in range(3):
        docker.out("network", "create", f"net{number}")
        found.append(docker.inspect("network", f"net{number}")["IPAM"]["Config"][0])
    assert len({one["Subnet"] for one in found}) == 3
    for one in found:
        assert re.fullmatch(r"172\.(1[89]|2\d|3[01])\.0\.0/16|192\.168\.\d+\.0/20", one["Subnet"])
        assert one["Gateway"] == one["Subnet"].split("/")[0].removesuffix("0") + "1"


def test_listing_and_its_filters(docker: Docker) -> None:
    identity = docker.out("network", "create", "--label", "team=blue", "one")
    docker.out("network", "create", "--label", "team=red", "other")
    docker.out("run", "-d", "--name", "box", "--network", "one", "busybox", "top")

    def names(*filters: str) -> list[str]:
        flags = [word for one in filters for word in ("--filter", one)]
        return sorted(docker.lines("network", "ls", "--format", "{{.Name}}", *flags))

    assert names() == ["bridge", "host", "none", "one", "other"]
    assert names("type=builtin") == ["bridge", "host", "none"]
    assert names("type=custom") == ["one", "other"]
    assert names("driver=bridge") == ["bridge", "one", "other"]
    assert names("driver=null") == ["none"]
    assert names("name=on") == ["none", "one"]
    assert names("name=^one$") == ["one"]
    assert names(f"id={identity[:8]}") == ["one"]
    assert names("label=team") == ["one", "other"]
    assert names("label=team=red") == ["other"]
    assert names("scope=local", "type=custom") == ["one", "other"]
    assert names("scope=swarm") == []
    assert "bridge" not in names("dangling=true")
    assert "other" in names("dangling=true")
    assert re.search("[Ii]nvalid filter 'nonsense'", docker.fails("network", "ls", "--filter", "nonsense=1"))
    assert "invalid filter: 'type'='strange'" in docker.fails("network", "ls", "--filter", "type=strange").lower()
    shown = json.loads(docker.out("network", "ls", "--filter", "name=other", "--format", "{{json .}}"))
    assert (shown["Name"], shown["Driver"], shown["Scope"], shown["Labels"]) == ("other", "bridge", "local", "team=red")
    assert docker.out("network", "ls", "-q", "--no-trunc", "--filter", "name=^one$") == identity


def test_addresses_of_ones_own(docker: Docker) -> None:
    docker.out("network", "create", *SUBNET, "net")
    # The older CLI sends the address with the container, the newer with the network from API 1.44 on.
    typing = Docker(docker.engine, CLIS[-1]) if docker.engine.reference else docker
    flags = ("--network", "net", "--ip", "10.55.3.4", "--mac-address", "02:11:22:33:44:55")
    typing.out("run", "-d", "--name", "one", *flags, "busybox", "top")
    assert address(docker, "one", "net") == "10.55.3.4"
    assert address(docker, "one", "net", "MacAddress") == "02:11:22:33:44:55"
    shown = docker.out("exec", "one", "ip", "addr", "show", "eth0")
    assert "inet 10.55.3.4/16" in shown
    assert "link/ether 02:11:22:33:44:55" in shown
    docker.out("restart", "-t", "0", "one")
    assert address(docker, "one", "net") == "10.55.3.4"
    assert "Address already in use" in docker.fails("run", "--rm", "--network", "net", "--ip", "10.55.3.4", "busybox")
    refusal = docker.fails("run", "--rm", "--network", "net", "--ip", "10.66.0.1", "busybox")
    assert "10.66.0.1" in refusal or "Invalid address" in refusal
    # an older CLI does not send the address
    wanted = {"EndpointsConfig": {"bridge": {"IPAMConfig": {"IPv4Address": "172.17.0.99"}}}}
    asked = {"Image": "busybox", "HostConfig": {"NetworkMode": "bridge"}, "NetworkingConfig": wanted}
    made = docker.engine.api.request("POST", "/containers/create", asked)
    refusal = str(made.json)
    if docker.engine.reference:
        refusal = docker.fails("start", made.json["Id"])
    assert re.search("user[- ]specified IP address is supported on user[- ]defined networks only", refusal)
    docker.out("network", "create", "automatic")
    docker.out("create", "--name", "two", "busybox")
    gateway = docker.inspect("network", "net")["IPAM"]["Config"][0].get("Gateway", "10.55.0.1")
    assert "in use" in docker.fails("run", "--rm", "--network", "net", "--ip", gateway, "busybox")


def test_lowest_free_address_first(docker: Docker) -> None:
    docker.out("network", "create", *SUBNET, "net")
    for number in range(3):
        docker.out("run", "-d", "--name", f"c{number}", "--network", "net", "busybox", "top")
    assert [address(docker, f"c{number}", "net") for number in range(3)] == ["10.55.0.2", "10.55.0.3", "10.55.0.4"]
    docker.out("rm", "-f", "c1")
    docker.out("run", "-d", "--name", "next", "--network", "net", "busybox", "top")
    assert address(docker, "next", "net") in ("10.55.0.3", "10.55.0.5")


def test_connect_and_disconnect_while_running(docker: Docker) -> None:
    docker.out("network", "create", *SUBNET, "net")
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    docker.out("network", "connect", "--ip", "10.55.9.9", "--alias", "also", "net", "one")
    endpoint = docker.inspect("one")["NetworkSettings"]["Networks"]["net"]
    assert endpoint["IPAddress"] == "10.55.9.9"
    assert endpoint["IPAMConfig"]["IPv4Address"] == "10.55.9.9"
    assert "also" in endpoint["Aliases"]
    assert "inet 10.55.9.9/16" in docker.out("exec", "one", "ip", "addr", "show", "eth1")
    assert "already exists in network net" in docker.fails("network", "connect", "net", "one")
    docker.out("network", "disconnect", "net", "one")
    assert "is not connected to network net" in docker.fails("network", "disconnect", "net", "one").replace(
        "the network net", "network net"
    )
    assert "eth1" not in docker.out("exec", "one", "ip", "addr")
    assert "default via 172.17.0.1" in docker.out("exec", "one", "ip", "route")


def test_connect_while_stopped(docker: Docker) -> None:
    docker.out("network", "create", *SUBNET, "net")
    docker.out("create", "--name", "one", "busybox", "top")
    docker.out("network", "connect", "net", "one")
    assert set(docker.inspect("one")["NetworkSettings"]["Networks"]) == {"bridge", "net"}
    assert address(docker, "one", "net") == ""
    docker.out("start", "one")
    assert address(docker, "one", "net") == "10.55.0.2"
    docker.out("stop", "-t", "0", "one")
    docker.out("network", "disconnect", "net", "one")
    docker.out("start", "one")
    assert set(docker.inspect("one")["NetworkSettings"]["Networks"]) == {"bridge"}


def test_connections_that_are_refused(docker: Docker) -> None:
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    docker.out("run", "-d", "--name", "hosted", "--network", "host", "busybox", "top")
    docker.out("run", "-d", "--name", "alone", "--network", "none", "busybox", "top")
    docker.out("run", "-d", "--name", "guest", "--network", "container:one", "busybox", "top")
    both = "container cannot be disconnected from host network or connected to host network"  # of 20.10
    told = docker.fails("network", "connect", "host", "one")
    assert re.search(f"cannot connect container to host network|{both}", told)
    told = docker.fails("network", "disconnect", "host", "hosted")
    assert re.search(f"cannot disconnect container from host network|{both}", told)
    assert "container sharing network namespace with another container or host cannot be connected" in docker.fails(
        "network", "connect", "net", "guest"
    )
    assert "private (none) mode" in docker.fails("network", "connect", "none", "one")
    assert "private (none) mode" in docker.fails("network", "connect", "net", "alone")
    assert "No such container: nobody" in docker.fails("network", "connect", "net", "nobody")
    assert "network nowhere not found" in docker.fails("network", "connect", "nowhere", "one")
    refusal = docker.fails("network", "connect", "--alias", "x", "bridge", "hosted")
    assert refusal


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        pytest.param(
            ["--subnet", "10.1.2.3/16"],
            r"invalid subnet 10\.1\.2\.3/16: it should be 10\.1\.0\.0/16",
            marks=pytest.mark.weft_only("20.10 takes bits beyond the prefix"),
        ),
        (["--subnet", "nonsense"], r"[Ii]nvalid (CIDR|subnet|prefix)"),
        (["--subnet", "10.1.0.0/16", "--gateway", "10.2.0.1"], r"10\.2\.0\.1|no matching subnet for gateway"),
        (["--subnet", "10.1.0.0/16", "--ip-range", "10.2.0.0/24"], r"10\.2\.0\.0/24|no matching subnet for range"),
        (["--gateway", "10.1.0.1"], r"every ip-range or gateway must have a corresponding subnet|Gateway"),
        (["--subnet", "10.1.0.0/16", "--subnet", "10.1.5.0/24"], r"multiple overlapping subnet"),
        (["--subnet", "10.1.0.0/16", "--aux-address", "a=10.2.0.1"], r"no matching subnet for aux-address|10\.2\.0\.1"),
        (["--driver", "nonsense"], r'plugin ("nonsense" not found|not found)|could not find plugin nonsense'),
        (["-o", "com.docker.network.driver.mtu=many"], r"mtu|MTU|strconv"),
        (["-o", "com.docker.network.bridge.enable_icc=perhaps"], r"perhaps|ParseBool|enable_icc|bool"),
        (["--subnet", "172.17.5.0/24"], r"Pool overlaps with other one on this address space"),
    ],
)
def test_creations_that_are_refused(docker: Docker, flags: list[str], text: str) -> None:
    before = links(docker)
    assert re.search(text, docker.fails("network", "create", *flags, "net", status=1))
    assert "net" not in docker.lines("network", "ls", "--format", "{{.Name}}")
    assert set(links(docker)) <= set(before)  # a link of an earlier test may still be leaving


def test_names_taken_and_reserved(docker: Docker) -> None:
    docker.out("network", "create", "net")
    assert "network with name net already exists" in docker.fails("network", "create", "net")
    for name in ("bridge", "host", "none"):
        refusal = docker.fails("network", "create", name)
        assert re.search("is not permitted on predefined|network with name .* already exists", refusal)
        assert f"{name} is a pre-defined network and cannot be removed" in docker.fails("network", "rm", name)
    assert re.search("[Nn]etwork nobody not found|No such network: nobody", docker.fails("network", "rm", "nobody"))
    assert re.search("network nobody not found|No such network: nobody", docker.fails("network", "inspect", "nobody"))
    for missing, text in (("nobody", "network nobody not found"), ("container:nobody", "No such container: nobody")):
        refusal = docker.fails("run", "--rm", "--network", missing, "busybox", status=125)
        assert text in refusal
        assert "Unable to find image" not in refusal
    assert "Unable to find image" not in docker.fails("run", "--rm", "--pid", "container:nobody", "busybox")
    assert "Unable to find image" not in docker.fails("run", "--rm", "--volumes-from", "nobody", "busybox")
    assert docker.lines("ps", "-aq") == []


def test_a_container_may_be_created_before_its_network(docker: Docker) -> None:
    docker.out("create", "--name", "one", "--network", "late", "--network-alias", "uno", "busybox", "top")
    docker.out("create", "--name", "two", "--network", "container:three", "busybox", "top")
    assert "network late not found" in docker.fails("start", "one")
    assert "No such container: three" in docker.fails("start", "two")
    docker.out("network", "create", "late")
    docker.out("run", "-d", "--name", "three", "--network", "late", "busybox", "top")
    docker.out("start", "one", "two")
    network = docker.inspect("network", "late")
    assert {each["Name"] for each in network["Containers"].values()} == {"one", "three"}
    assert docker.inspect("one")["NetworkSettings"]["Networks"]["late"]["NetworkID"] == network["Id"]
    assert "from" in docker.out("exec", "two", "ping", "-c1", "uno")
    docker.out("restart", "-t0", "three", "two")
    assert "from" in docker.out("exec", "two", "ping", "-c1", "uno")


def test_a_name_like_another_networks_id(docker: Docker) -> None:
    first = docker.out("network", "create", "first")
    second = docker.out("network", "create", first[:12])
    assert docker.inspect("network", first[:12])["Id"] == second
    assert docker.inspect("network", first)["Id"] == first
    assert docker.inspect("network", first[:10])["Id"] == first


def test_removing_several(docker: Docker) -> None:
    for name in ("one", "two", "three"):
        docker.out("network", "create", name)
    docker.out("run", "-d", "--name", "box", "--network", "two", "busybox", "top")
    done = docker("network", "rm", "one", "two", "three")
    assert done.returncode == 1
    assert done.stdout.split() == ["one", "three"]
    assert "has active endpoints" in done.stderr


def test_prune(docker: Docker) -> None:
    docker.out("network", "create", "used")
    docker.out("network", "create", "--label", "keep", "kept")
    docker.out("network", "create", "idle")
    docker.out("create", "--name", "box", "--network", "used", "busybox")
    docker.out("start", "box")
    docker.out("run", "-d", "--name", "running", "--network", "used", "busybox", "top")
    shown = docker.out("network", "prune", "-f", "--filter", "label!=keep")
    assert shown.split() == ["Deleted", "Networks:", "idle"]
    assert set(docker.lines("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}")) == {"used", "kept"}


def test_inspect_lists_who_is_there(docker: Docker) -> None:
    docker.out("network", "create", *SUBNET, "net")
    identity = docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "top")
    docker.out("create", "--name", "sleeping", "--network", "net", "busybox")
    containers = docker.inspect("network", "net")["Containers"]
    assert containers.keys() == {identity}
    assert containers[identity] == {
        "Name": "one",
        "EndpointID": address(docker, "one", "net", "EndpointID"),
        "MacAddress": address(docker, "one", "net", "MacAddress"),
        "IPv4Address": "10.55.0.2/16",
        "IPv6Address": "",
    }


@pytest.mark.newer_cli
@pytest.mark.weft_only("several networks in one create came with API 1.44")
def test_several_networks_and_gateway_priority(docker: Docker) -> None:
    docker.out("network", "create", "--subnet", "10.61.0.0/16", "one")
    docker.out("network", "create", "--subnet", "10.62.0.0/16", "two")
    flags = ("--network", "name=one,alias=first", "--network", "name=two,ip=10.62.5.5,gw-priority=10")
    docker.out("run", "-d", "--name", "box", *flags, "busybox", "top")
    assert set(docker.inspect("box")["NetworkSettings"]["Networks"]) == {"one", "two"}
    assert address(docker, "box", "two") == "10.62.5.5"
    assert "default via 10.62.0.1" in docker.out("exec", "box", "ip", "route")
    docker.out("network", "disconnect", "two", "box")
    assert "default via 10.61.0.1" in docker.out("exec", "box", "ip", "route")
    docker.out("network", "connect", "--gw-priority", "5", "two", "box")
    assert "default via 10.62.0.1" in docker.out("exec", "box", "ip", "route")
