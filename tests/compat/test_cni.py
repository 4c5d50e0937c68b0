"""Networks of CNI plugins that nobody here wrote (Debian's containernetworking-plugins), with the docker CLI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.docker import CLIS, Docker
from rig.engine import MakeEngine
from rig.eventually import eventually
from rig.flow import flood, is_held_to, passed
from rig.inside import Inside
from rig.internet import Internet
from rig.leftovers import pins, settled

pytestmark = [
    pytest.mark.weft_only("Docker has no CNI driver"),
    pytest.mark.skipif(not Path("/usr/lib/cni/bridge").exists(), reason="containernetworking-plugins is not installed"),
]


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


class Configurations:
    """Writes conflists whose plugins keep their state in the host's own directory, and makes networks of them."""

    def __init__(self, docker: Docker) -> None:
        self.docker = docker
        self.directory = docker.engine.host.directory / "cni"
        self.directory.mkdir(exist_ok=True)

    def write(self, name: str, *plugins: dict[str, Any], version: str = "1.0.0") -> Path:
        """A conflist of these plugins, 1.0.0 unless told."""
        path = self.directory / f"{name}.conflist"
        path.write_text(json.dumps({"cniVersion": version, "name": name, "plugins": plugins}))
        return path

    def local(self, subnet: str, **more: Any) -> dict[str, Any]:
        """The IPAM part for host-local with a default route."""
        routes = [{"dst": "::/0" if ":" in subnet else "0.0.0.0/0"}]
        state = str(self.directory / "leases")
        return {"type": "host-local", "dataDir": state, "ranges": [[{"subnet": subnet}]], "routes": routes, **more}

    def held(self, name: str) -> list[str]:
        """The addresses that host-local holds for a network."""
        directory = self.directory / "leases" / name
        return sorted(each.name for each in directory.glob("[0-9]*")) if directory.exists() else []

    def bridge(self, name: str, subnet: str, *more: dict[str, Any], **settings: Any) -> str:
        """A network of the plugin bridge; returns its name."""
        plugin = {
            "type": "bridge", "bridge": f"cni-{name}", "isGateway": True, "ipMasq": True, "hairpinMode": True,
            "ipam": self.local(subnet), **settings,
        }  # fmt: skip
        self.create(name, self.write(name, plugin, *more))
        return name

    def create(self, name: str, path: Path | str, *options: str) -> None:
        """`docker network create -d cni`."""
        self.docker.out("network", "create", "-d", "cni", "-o", f"conf={path}", *options, name)


@pytest.fixture
def cni(docker: Docker) -> Iterator[Configurations]:
    """Configurations for the shared engine; links that plugins left are removed."""
    yield Configurations(docker)
    docker.engine.sweep()
    host = docker.engine.host
    for link in json.loads(host.output("ip", "-j", "link")):
        if link["ifname"].startswith("cni-"):
            host.run(["ip", "link", "delete", link["ifname"]])


def endpoint(docker: Docker, container: str, network: str) -> dict[str, Any]:
    """A container's endpoint, as `docker inspect` shows it."""
    shown: dict[str, Any] = docker.inspect(container)["NetworkSettings"]["Networks"][network]
    return shown


def test_bridge_with_host_local(docker: Docker, cni: Configurations) -> None:
    cni.bridge("blue", "10.66.0.0/24")
    for name in ("one", "two"):
        docker.out("run", "-d", "--name", name, "--network", "blue", "busybox", "top")
    shown = endpoint(docker, "one", "blue")
    assert shown["IPAddress"].startswith("10.66.0.")
    assert (shown["IPPrefixLen"], shown["Gateway"]) == (24, "10.66.0.1")
    link = docker.out("exec", "one", "ip", "addr", "show", "eth0")
    assert shown["MacAddress"] in link
    assert f"inet {shown['IPAddress']}/24" in link
    assert docker.out("exec", "one", "ip", "route").count("default") == 1
    assert shown["IPAddress"] in docker.out("network", "inspect", "blue")
    assert "64 bytes" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "one")
    assert "64 bytes" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "142.250.74.46"), "to the internet"
    assert len(cni.held("blue")) == 2
    docker.out("rm", "-f", "one", "two")
    assert cni.held("blue") == []


def has_iptables(docker: Docker) -> bool:
    """Whether iptables works here, which portmap uses."""
    return docker.engine.host.run(["iptables", "-t", "nat", "-S"], check=False).returncode == 0


def serve(docker: Docker, name: str, *options: str) -> None:
    """A container with a web server on port 80 that says its name."""
    page = f"echo {name} > /tmp/index.html; httpd -f -h /tmp"
    docker.out("run", "-d", "--name", name, *options, "busybox", "sh", "-c", page)


def test_published_ports_by_portmap(docker: Docker, cni: Configurations, internet: Internet) -> None:
    if not has_iptables(docker):
        pytest.skip("iptables does not work on this kernel")
    host = docker.engine.host
    cni.bridge("blue", "10.66.0.0/24", {"type": "portmap", "capabilities": {"portMappings": True}})
    serve(docker, "web", "--network", "blue", "-p", "8080:80", "-p", "80")
    assert "0.0.0.0:8080->80/tcp" in docker.out("ps", "--format", "{{.Ports}}")
    assert eventually(lambda: internet.host.reaches(host.outer[0], 8080))
    assert internet.host.fetch(host.outer[0], 8080) == b"web\n"
    chosen = next(line for line in docker.lines("port", "web", "80/tcp") if not line.endswith(":8080"))
    assert internet.host.fetch(host.outer[0], int(chosen.rpartition(":")[2])) == b"web\n"
    told = docker.fails("run", "--network", "blue", "-p", "8080:80", "busybox", "true")
    assert "8080 failed: port is already allocated" in told
    docker.out("rm", "-f", "web")
    assert not internet.host.reaches(host.outer[0], 8080)
    assert "8080" not in host.output("iptables", "-t", "nat", "-S")


def test_ports_without_a_plugin_that_publishes_them(docker: Docker, cni: Configurations) -> None:
    cni.bridge("blue", "10.66.0.0/24")
    told = docker.fails("run", "--network", "blue", "-p", "8080:80", "busybox", "true")
    assert "network blue cannot publish ports" in told
    assert 'add the plugin "portmap"' in told
    assert cni.held("blue") == []
    assert pins(docker.engine) == set()


def test_ptp(docker: Docker, cni: Configurations) -> None:
    plugin = {"type": "ptp", "ipMasq": True, "ipam": cni.local("10.67.0.0/24")}
    cni.create("ptp", cni.write("ptp", plugin, version="0.4.0"))
    docker.out("run", "-d", "--name", "one", "--network", "ptp", "busybox", "top")
    docker.out("run", "-d", "--name", "two", "--network", "ptp", "busybox", "top")
    assert endpoint(docker, "one", "ptp")["Gateway"] == "10.67.0.1"
    assert "bytes from" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "142.250.74.46")
    assert "bytes from" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "one")


def test_macvlan_on_the_wire(docker: Docker, cni: Configurations, internet: Internet) -> None:
    host = docker.engine.host
    (route,) = json.loads(host.output("ip", "-j", "-4", "route", "show", "default"))
    plugin = {"type": "macvlan", "master": route["dev"], "mode": "bridge", "ipam": cni.local("10.68.0.0/24")}
    cni.create("wire", cni.write("wire", plugin, version="0.3.1"))
    for name in ("one", "two"):
        docker.out("run", "-d", "--name", name, "--network", "wire", "busybox", "top")
    assert "bytes from" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "one")
    link = docker.out("exec", "one", "cat", "/sys/class/net/eth0/iflink")
    assert link == host.path(f"/sys/class/net/{route['dev']}/ifindex").read_text().strip(), (
        "it lies upon that interface"
    )


def test_both_families_and_names(docker: Docker, cni: Configurations) -> None:
    state = str(cni.directory / "leases")
    ipam = {
        "type": "host-local",
        "dataDir": state,
        "ranges": [[{"subnet": "10.66.0.0/24"}], [{"subnet": "fd66::/64"}]],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
    }
    cni.bridge("dual", "10.66.0.0/24", ipam=ipam, dns={"nameservers": ["8.8.8.8"], "search": ["example.com"]})
    for name in ("one", "two"):
        docker.out("run", "-d", "--name", name, "--network", "dual", "busybox", "top")
    shown = endpoint(docker, "one", "dual")
    assert shown["GlobalIPv6Address"].startswith("fd66::")
    assert (shown["GlobalIPv6PrefixLen"], shown["IPv6Gateway"]) == (64, "fd66::1")
    assert "bytes from" in docker.out("exec", "two", "ping", "-6", "-c", "1", "-w", "5", "one")
    assert "search example.com" in docker.out("exec", "one", "cat", "/etc/resolv.conf")
    assert "142.250.74.46" in docker.out("exec", "one", "nslookup", "-type=a", "google.com")


@pytest.mark.newer_cli
def test_two_networks_and_gateway_priorities(docker: Docker, cni: Configurations) -> None:
    cni.bridge("blue", "10.66.0.0/24")
    cni.bridge("red", "10.67.0.0/24")
    docker.out("run", "-d", "--name", "other", "--network", "red", "busybox", "top")
    both = ("--network", "name=blue,gw-priority=1", "--network", "red")
    docker.out("run", "-d", "--name", "one", *both, "busybox", "top")
    for link, network in (("eth0", "blue"), ("eth1", "red")):
        address = endpoint(docker, "one", network)["IPAddress"]
        assert f"inet {address}/24" in docker.out("exec", "one", "ip", "addr", "show", link)
    routes = docker.lines("exec", "one", "ip", "route")
    defaults = [line.strip() for line in routes if line.startswith("default")]
    assert defaults == ["default via 10.66.0.1 dev eth0"]
    assert "bytes from" in docker.out("exec", "one", "ping", "-c", "1", "-w", "5", "other")


@pytest.mark.newer_cli
def test_connect_and_disconnect(docker: Docker, cni: Configurations) -> None:
    cni.bridge("blue", "10.66.0.0/24")
    docker.out("network", "create", "plain")
    docker.out("run", "-d", "--name", "one", "--network", "plain", "busybox", "top")
    docker.out("run", "-d", "--name", "two", "--network", "blue", "busybox", "top")
    before = docker.out("exec", "one", "ip", "route")
    docker.out("network", "connect", "--alias", "first", "--gw-priority", "5", "blue", "one")
    assert "default via 10.66.0.1 dev eth1" in docker.out("exec", "one", "ip", "route")
    assert "bytes from" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "first")
    docker.out("network", "disconnect", "blue", "one")
    assert docker.out("exec", "one", "ip", "route") == before
    assert "eth1" not in docker.out("exec", "one", "ip", "-o", "link")
    assert len(cni.held("blue")) == 1
    assert "bad address" in docker.fails("exec", "two", "ping", "-c", "1", "-w", "5", "first")


def test_asked_addresses(docker: Docker, cni: Configurations) -> None:
    cni.bridge("blue", "10.66.0.0/24")
    run = ("run", "-d", "--network", "blue")
    docker.out(*run, "--name", "one", "--ip", "10.66.0.77", "--mac-address", "02:00:00:00:12:34", "busybox", "top")
    shown = endpoint(docker, "one", "blue")
    assert (shown["IPAddress"], shown["MacAddress"]) == ("10.66.0.77", "02:00:00:00:12:34")
    assert "10.66.0.77/24" in docker.out("exec", "one", "ip", "addr")
    told = docker.fails(*run, "--ip", "10.99.0.1", "busybox", "top")
    assert "CNI plugin bridge (ADD) failed" in told
    assert cni.held("blue") == ["10.66.0.77"]


def test_rates(docker: Docker, cni: Configurations) -> None:
    cni.bridge("blue", "10.66.0.0/24")
    rates = "name=blue,driver-opt=weft.egress_rate=10mbit,driver-opt=weft.ingress_rate=4mbit"
    docker.out("run", "-d", "--name", "limited", "--network", rates, "busybox", "top")
    docker.out("run", "-d", "--name", "free", "--network", "blue", "busybox", "top")
    limited, free = Inside(docker.engine, "limited"), Inside(docker.engine, "free")
    out = passed(flood(limited, endpoint(docker, "free", "blue")["IPAddress"]), free, 2.0)
    back = passed(flood(free, endpoint(docker, "limited", "blue")["IPAddress"]), limited, 2.0)
    assert is_held_to(1_250_000, out)
    assert is_held_to(500_000, back, at_once=600_000)


def test_a_plugin_that_fails_leaves_nothing(docker: Docker, cni: Configurations) -> None:
    host = docker.engine.host
    cni.bridge("tiny", "10.66.0.0/29", {"type": "tuning", "sysctl": {"net.ipv4.conf.IFNAME.no_such": "1"}})
    before = settled(docker.engine)
    told = docker.fails("run", "--name", "one", "--network", "tiny", "busybox", "true")
    assert "CNI plugin tuning (ADD) failed" in told
    assert cni.held("tiny") == []
    assert pins(docker.engine) == set()
    assert [link for link in settled(docker.engine).links if link.startswith("veth")] == [
        link for link in before.links if link.startswith("veth")
    ]
    docker.out("rm", "one")
    docker.out("network", "rm", "tiny")
    assert "cni-tiny" in host.output("ip", "-o", "link"), "it is the plugin's"


def test_a_changed_file_does_not_change_a_network(docker: Docker, cni: Configurations) -> None:
    cni.bridge("blue", "10.66.0.0/24")
    path = cni.directory / "blue.conflist"
    docker.out("run", "-d", "--name", "one", "--network", "blue", "busybox", "top")
    path.write_text("{")
    docker.out("run", "-d", "--name", "two", "--network", "blue", "busybox", "top")
    path.unlink()
    docker.out("restart", "-t", "0", "two")
    assert endpoint(docker, "two", "blue")["IPAddress"].startswith("10.66.0.")
    docker.out("rm", "-f", "one", "two")
    assert cni.held("blue") == []


def test_what_a_crash_leaves_is_deleted(make_engine: MakeEngine) -> None:
    engine = make_engine()
    docker = Docker(engine, CLIS[0])
    cni = Configurations(docker)
    cni.bridge("blue", "10.66.0.0/24")
    docker.out("run", "-d", "--name", "one", "--network", "blue", "busybox", "top")
    docker.out("run", "-d", "--name", "two", "--network", "blue", "busybox", "top")
    kept = endpoint(docker, "two", "blue")
    process = int(docker.inspect("one")["State"]["Pid"])
    engine.kill()
    engine.host.run(["kill", "-9", str(process)])
    assert len(cni.held("blue")) == 2
    engine.start()
    assert cni.held("blue") == [kept["IPAddress"]]
    assert endpoint(docker, "two", "blue") == kept
    docker.out("start", "one")
    assert "bytes from" in docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "one")


@pytest.mark.newer_cli
def test_the_daemon_looks_after_endpoints_at_its_start(make_engine: MakeEngine) -> None:
    engine = make_engine()
    docker = Docker(engine, CLIS[0])
    cni = Configurations(docker)
    cni.bridge("blue", "10.66.0.0/24")
    cni.bridge("red", "10.67.0.0/24")
    docker.out("run", "-d", "--name", "well", "--network", "blue", "--network", "red", "busybox", "top")
    docker.out("run", "-d", "--privileged", "--name", "bad", "--network", "blue", "busybox", "top")
    docker.out("exec", "--privileged", "bad", "ip", "addr", "flush", "dev", "eth0")
    engine.restart()
    eventually(lambda: "could not find in order container bad on network blue" in engine.log.read_text())
    assert "(CHECK) failed" in engine.log.read_text()
    assert "container well" not in engine.log.read_text()


def test_a_crash_while_a_plugin_runs(make_engine: MakeEngine) -> None:
    engine = make_engine()
    docker = Docker(engine, CLIS[0])
    cni = Configurations(docker)
    slow = cni.directory / "slow"
    seen = cni.directory / "seen"
    slow.write_text(SLOW.format(seen=seen))
    slow.chmod(0o755)
    plugin = {"type": "bridge", "bridge": "cni-blue", "isGateway": True, "ipam": cni.local("10.66.0.0/24")}
    path = cni.write("blue", plugin, {"type": "slow"})
    docker.out("network", "create", "-d", "cni", "-o", f"conf={path}", "-o", f"path=/usr/lib/cni:{slow.parent}", "blue")
    docker.out("create", "--name", "one", "--network", "blue", "busybox", "top")
    with docker.popen("start", "one"):
        eventually(lambda: seen.exists() and "ADD" in seen.read_text())
        engine.kill()
    assert len(cni.held("blue")) == 1
    engine.start()
    assert "DEL" in seen.read_text()
    assert cni.held("blue") == []
    assert docker.inspect("one")["State"]["Running"] is False
    assert pins(engine) == set()


SLOW = """#!/bin/sh
case $CNI_COMMAND in
    VERSION) echo '{{"cniVersion": "1.0.0", "supportedVersions": ["0.4.0", "1.0.0"]}}' ;;
    ADD) echo "$CNI_COMMAND" >>{seen}; exec sleep 300 ;;
    *) echo "$CNI_COMMAND" >>{seen} ;;
esac
"""


def test_refused_at_create(docker: Docker, cni: Configurations) -> None:
    bridge = {"type": "bridge", "ipam": cni.local("10.66.0.0/24")}
    good = cni.write("good", bridge)
    create = ("network", "create", "-d", "cni", "-o", f"conf={good}")
    cases = {
        ("network", "create", "-d", "cni", "net"): "give -o conf=FILE",
        (*create, "--subnet", "10.1.0.0/24", "net"): "takes no --subnet",
        (*create, "--ipv6", "net"): "takes no --ipv6",
        (*create, "--internal", "net"): "takes no --internal",
        (*create, "--ipam-driver", "dhcp", "net"): "takes no --ipam-driver dhcp",
        (*create, "-o", "speed=1", "net"): "speed",
        (*create, "-o", "path=lib", "net"): "'lib' is not an absolute path",
        (*create, "-o", "path=/nowhere", "net"): "CNI plugin bridge is not in /nowhere: install it",
        ("network", "create", "-d", "cni", "-o", "conf=/no/such", "net"): "/no/such: no such file",
        ("network", "create", "-d", "cni", "-o", "conf=x/y", "net"): "give an absolute path",
        ("network", "create", "-d", "cni", "-o", "conf=nothing", "net"): "no such file in /etc/cni/net.d",
        ("network", "create", "-d", "cni", "-o", f"conf={cni.write('old', bridge, version='0.2.0')}", "net"): "0.3.1",
        ("network", "create", "-d", "cni", "-o", f"conf={cni.write('none')}", "net"): '"plugins" must be a list',
    }
    for arguments, reason in cases.items():
        assert reason in docker.fails(*arguments), arguments
    assert "net" not in docker.out("network", "ls", "--format", "{{.Name}}").split()
