"""Addresses from a DHCP server on the wire (`--ipam-driver dhcp`), with the docker CLI and Debian's dnsmasq."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.docker import CLIS, Docker
from rig.engine import Engine, MakeEngine
from rig.eventually import eventually
from rig.host import Host
from rig.leftovers import pins, settled
from rig.link import link
from rig.process import Daemon

pytestmark = [
    pytest.mark.weft_only("Docker has no DHCP IPAM driver"),
    pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed"),
]


class Wire:
    """A cable from the engine's host to a neighbour that is the wire's router, name server and DHCP server."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.router = Host("router")
        cable = link(self.router, host)
        self.theirs, self.ours = cable.interfaces
        self.router.run(["ip", "addr", "add", "10.88.0.1/24", "dev", self.theirs])
        self.server: Daemon | None = None
        self.log = self.router.directory / "dnsmasq.log"

    def serve(self, first: str = "10.88.0.50", last: str = "10.88.0.99", seconds: int = 120) -> None:
        """Serve these addresses; what was leased before is forgotten where it is no longer among them."""
        leases = self.router.directory / "dnsmasq.leases"
        self.server = self.router.start(
            [
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--no-ping",
                "--user=root", "--log-dhcp", "--log-facility=-", f"--interface={self.theirs}", "--bind-interfaces",
                f"--dhcp-range={first},{last},255.255.255.0,{seconds}s", f"--dhcp-leasefile={leases}", "--pid-file=",
                "--dhcp-option=option:router,10.88.0.1", "--dhcp-option=option:dns-server,10.88.0.1",
                "--domain=lan.test", "--address=/printer.lan.test/10.88.0.7", "--dhcp-authoritative",
                "--local=/lan.test/",
            ],
            log=self.log,
        )  # fmt: skip
        eventually(lambda: "DHCP, IP range" in self.log.read_text())

    def serve_shortly(self, seconds: int) -> Daemon:
        """Serve with busybox's udhcpd; returns the server."""
        directory = self.router.directory
        configuration = directory / "udhcpd.conf"
        leases = directory / "udhcpd.leases"
        leases.touch()
        configuration.write_text(
            f"start 10.88.0.50\nend 10.88.0.60\ninterface {self.theirs}\nmin_lease {seconds}\nlease_file {leases}\n"
            f"pidfile {directory}/udhcpd.pid\noption subnet 255.255.255.0\noption router 10.88.0.1\n"
            f"option lease {seconds}\n"
        )
        log = directory / "udhcpd.log"
        return self.router.start(["busybox", "udhcpd", "-f", configuration], log=log)

    def stop_serving(self, *, forget: bool = False) -> None:
        """Stop; with `forget`, the leases are lost."""
        assert self.server is not None
        self.server.stop()
        self.server = None
        if forget:
            (self.router.directory / "dnsmasq.leases").unlink(missing_ok=True)

    def heard(self, word: str) -> int:
        """How many messages of this kind (DHCPACK, DHCPRELEASE …) the server wrote into its log."""
        return len(re.findall(rf"\b{word}\(", self.log.read_text()))

    def close(self) -> None:
        """End the neighbour."""
        self.router.close()


class Site:
    """An engine whose host is on a wire."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.host = engine.host
        self.docker = Docker(engine, CLIS[0])
        self.wire = Wire(engine.host)

    def leases(self) -> str:
        """What the clients of this host wrote down."""
        files = self.host.path(self.engine.exec_root / "dhcp").iterdir()
        return "".join(each.read_text() for each in files if len(each.name) == 64)

    def clients(self) -> list[int]:
        """The pids of DHCP clients."""
        return [pid for pid, line in self.host.processes().items() if "udhcpc" in line]

    def client(self, name: str) -> int:
        """The pid of the DHCP client of a container, which tells the server its host name."""
        told = "hostname:" + str(self.docker.inspect(name)["Config"]["Hostname"])
        (pid,) = (pid for pid, line in self.host.processes().items() if "udhcpc" in line and told in line)
        return pid

    def macvlan(self, name: str = "lan", *options: str) -> None:
        """A macvlan network on the wire."""
        parent = ("-o", f"parent={self.wire.ours}")
        self.docker.out("network", "create", "-d", "macvlan", "--ipam-driver", "dhcp", *parent, *options, name)

    def run(self, name: str, network: str = "lan", *options: str) -> dict[str, Any]:
        """Start a container; returns its endpoint."""
        self.docker.out("run", "-d", "--name", name, "--network", network, *options, "busybox", "top")
        return self.endpoint(name, network)

    def endpoint(self, name: str, network: str = "lan") -> dict[str, Any]:
        """A container's endpoint as `docker inspect` shows it."""
        shown: dict[str, Any] = self.docker.inspect(name)["NetworkSettings"]["Networks"][network]
        return shown

    def addresses(self, name: str) -> list[str]:
        """The IPv4 addresses of a container's eth0."""
        return re.findall(r"inet (\S+)", self.docker.out("exec", name, "ip", "-4", "addr", "show", "eth0"))


@pytest.fixture
def site(make_engine: MakeEngine) -> Iterator[Site]:
    """An engine of its own on a wire, whose server does not serve yet."""
    made = Site(make_engine())
    try:
        yield made
    finally:
        made.wire.close()


def test_address_gateway_and_name_server(site: Site) -> None:
    site.wire.serve()
    site.macvlan()
    shown = site.run("one")
    assert re.fullmatch(r"10\.88\.0\.[5-9]\d", shown["IPAddress"])
    assert (shown["IPPrefixLen"], shown["Gateway"]) == (24, "10.88.0.1")
    assert site.addresses("one") == [f"{shown['IPAddress']}/24"]
    routes = site.docker.out("exec", "one", "ip", "route")
    assert "default via 10.88.0.1 dev eth0" in routes
    assert "bytes from" in site.docker.out("exec", "one", "ping", "-c", "1", "-w", "5", "10.88.0.1")
    assert "search lan.test" in site.docker.out("exec", "one", "cat", "/etc/resolv.conf")
    assert "10.88.0.7" in site.docker.out("exec", "one", "nslookup", "-type=a", "printer.lan.test")
    site.run("two")
    assert "bytes from" in site.docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "one")
    assert len(site.clients()) == 2
    site.docker.out("rm", "-f", "one", "two")
    assert site.clients() == []
    assert site.wire.heard("DHCPRELEASE") == 2
    site.docker.out("network", "rm", "lan")


def test_renewal_and_a_changed_address(site: Site) -> None:
    site.wire.serve(seconds=120)
    site.macvlan()
    shown = site.run("one", "lan", "--network-alias", "web")
    site.run("two")
    # dnsmasq gives leases of two minutes at least; half-way through a client asks for more, and at once when told to.
    before = site.wire.heard("DHCPACK")
    client = site.client("one")
    site.host.run(["kill", "-USR1", str(_inside(client))])
    eventually(lambda: site.wire.heard("DHCPACK") > before)
    assert site.addresses("one") == [f"{shown['IPAddress']}/24"]
    site.wire.stop_serving(forget=True)
    site.wire.serve("10.88.0.150", "10.88.0.199")
    site.host.run(["kill", "-USR1", str(_inside(client))])
    eventually(lambda: site.endpoint("one")["IPAddress"].startswith("10.88.0.1"))
    fresh = site.endpoint("one")["IPAddress"]
    assert site.addresses("one") == [f"{fresh}/24"]
    assert "default via 10.88.0.1 dev eth0" in site.docker.out("exec", "one", "ip", "route")
    assert fresh in site.docker.out("exec", "one", "cat", "/etc/hosts")
    assert shown["IPAddress"] not in site.docker.out("exec", "one", "cat", "/etc/hosts")
    assert f"({fresh})" in site.docker.out("exec", "two", "ping", "-c", "1", "-w", "5", "web")


def _inside(pid: int) -> int:
    """The pid that a process of a throw-away host has there."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^NSpid:\s+.*\s(\d+)$", status, re.MULTILINE)[0])


def test_no_server_fails_and_leaves_nothing(site: Site) -> None:
    site.macvlan()
    before = settled(site.engine)
    site.docker.out("create", "--name", "one", "--network", "lan", "busybox", "top")
    told = site.docker.fails("start", "one")
    assert "no DHCP server on its wire gave eth0 an address within 15 s" in told
    assert site.clients() == []
    assert settled(site.engine).links == before.links
    assert pins(site.engine) == set()
    site.wire.serve()
    site.docker.out("start", "one")  # nothing stands in its way
    assert site.endpoint("one")["IPAddress"]


def test_restarts_of_the_daemon(site: Site) -> None:
    site.wire.serve()
    site.macvlan()
    shown = site.run("one")
    site.run("gone")
    clients, client = site.clients(), site.client("one")
    process = int(site.docker.inspect("gone")["State"]["Pid"])
    site.engine.restart()
    assert site.clients() == clients, "they are adopted"
    assert site.endpoint("one") == shown
    site.engine.kill()
    site.host.run(["kill", "-9", str(process), str(_inside(client))])
    site.engine.start()
    eventually(lambda: len(site.clients()) == 1)
    assert site.clients() != [client], "one that was killed is started again"
    assert site.endpoint("one")["IPAddress"] == shown["IPAddress"]
    assert site.addresses("one") == [f"{shown['IPAddress']}/24"]
    assert site.wire.heard("DHCPRELEASE") == 1, "the one that ended meanwhile gave its address back"
    site.docker.out("stop", "-t", "0", "one")
    assert site.clients() == []


def test_an_address_that_changes_while_the_daemon_is_away(site: Site) -> None:
    site.wire.serve()
    site.macvlan()
    shown, client = site.run("one"), site.client("one")
    site.engine.stop()
    site.wire.stop_serving(forget=True)
    site.wire.serve("10.88.0.150", "10.88.0.199")
    site.host.run(["kill", "-USR1", str(_inside(client))])
    eventually(lambda: site.wire.heard("DHCPACK") > 1 and "address=10.88.0.1" in site.leases())
    site.engine.start()
    fresh = site.endpoint("one")["IPAddress"]
    assert fresh != shown["IPAddress"]
    assert site.addresses("one") == [f"{fresh}/24"]
    assert "default via 10.88.0.1 dev eth0" in site.docker.out("exec", "one", "ip", "route")
    assert fresh in site.docker.out("exec", "one", "cat", "/etc/hosts")


def test_leases_that_run_out_and_come_back(site: Site) -> None:
    """By busybox's server, whose leases may be as short as udhcpc lets them be: 16 seconds, renewed after eight."""
    server = site.wire.serve_shortly(16)
    site.macvlan()
    shown = site.run("one")
    first = server.log.read_text().count("ACK")
    eventually(lambda: server.log.read_text().count("ACK") > first, timeout=30)
    assert site.addresses("one") == [f"{shown['IPAddress']}/24"], "renewed in time"
    server.stop()
    eventually(lambda: site.addresses("one") == [], timeout=60)
    assert "default" not in site.docker.out("exec", "one", "ip", "route")
    server = site.wire.serve_shortly(600)
    eventually(lambda: site.addresses("one") != [], timeout=60)
    eventually(lambda: "default via 10.88.0.1 dev eth0" in site.docker.out("exec", "one", "ip", "route"))


def test_bridge_of_the_host(site: Site) -> None:
    site.wire.serve()
    for command in (
        "ip link add br-lan type bridge",
        "ip link set br-lan up",
        f"ip link set {site.wire.ours} master br-lan",
    ):
        site.host.run(command.split())
    site.docker.out(
        *("network", "create", "--ipam-driver", "dhcp", "-o", "com.docker.network.bridge.name=br-lan", "lan")
    )
    assert site.docker.inspect("network", "lan")["IPAM"] == {"Driver": "dhcp", "Options": {}, "Config": []}
    shown = site.run("one")
    assert shown["IPAddress"].startswith("10.88.0.")
    assert "bytes from" in site.docker.out("exec", "one", "ping", "-c", "1", "-w", "5", "10.88.0.1")
    reply = site.wire.router.output("ping", "-c", "1", "-w", "5", shown["IPAddress"])
    assert "bytes from" in reply, "its neighbours on the wire reach it"
    site.docker.out("rm", "-f", "one")
    site.docker.out("network", "rm", "lan")
    assert site.wire.heard("DHCPRELEASE") == 1
    assert "br-lan" in site.host.output("ip", "-o", "link", "show", "master", "br-lan"), "it is its owner's"


@pytest.mark.newer_cli
def test_passthru(site: Site) -> None:
    """One container has the wire to itself; the next one gets its lease when the first is gone."""
    site.wire.serve()
    site.macvlan("lan", "-o", "macvlan_mode=passthru")
    for name in ("one", "two"):
        shown = site.run(name)
        assert site.addresses(name) == [f"{shown['IPAddress']}/24"]
        assert shown["IPAddress"].startswith("10.88.0.")
        assert "bytes from" in site.docker.out("exec", name, "ping", "-c", "1", "-w", "5", "10.88.0.1")
        site.docker.out("rm", "-f", name)
    eventually(lambda: site.clients() == [])


def test_connect_and_disconnect(site: Site) -> None:
    site.macvlan()
    site.docker.out("network", "create", "plain")
    site.run("one", "plain")
    before = site.docker.out("exec", "one", "ip", "route")
    assert "no DHCP server" in site.docker.fails("network", "connect", "lan", "one")
    assert "eth1" not in site.docker.out("exec", "one", "ip", "-o", "link")
    assert site.docker.out("exec", "one", "ip", "route") == before
    site.wire.serve()
    site.docker.out("network", "connect", "--gw-priority", "10", "lan", "one")
    shown = site.endpoint("one")
    assert f"inet {shown['IPAddress']}/24" in site.docker.out("exec", "one", "ip", "addr", "show", "eth1")
    assert "default via 10.88.0.1 dev eth1" in site.docker.out("exec", "one", "ip", "route")
    site.docker.out("network", "disconnect", "lan", "one")
    assert site.docker.out("exec", "one", "ip", "route") == before
    assert site.wire.heard("DHCPRELEASE") == 1
    assert site.clients() == []


REFUSED = {
    "10.9.0.0/24": (("--subnet", "10.9.0.0/24", "-d", "macvlan", "-o", "parent=eth0"), "takes no --subnet"),
    "ipv6": (("--ipv6", "-d", "macvlan", "-o", "parent=eth0"), "IPv4 addresses alone"),
    "internal": (("--internal", "-d", "macvlan", "-o", "parent=eth0"), "leave out --internal"),
    "no parent": (("-d", "macvlan"), "give -o parent=INTERFACE"),
    "no bridge": ((), "give -o com.docker.network.bridge.name=BRIDGE"),
    "option": (("--ipam-opt", "a=b", "-d", "macvlan", "-o", "parent=eth0"), "has no option 'a'"),
    "driver": (("-d", "ipvlan", "-o", "parent=eth0"), "serves networks of the drivers bridge and macvlan"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(docker_newest: Docker, case: str) -> None:
    options, reason = REFUSED[case]
    told = docker_newest.fails("network", "create", "--ipam-driver", "dhcp", *options, "lan")
    assert reason in told
    assert "lan" not in docker_newest.out("network", "ls", "--format", "{{.Name}}").split()


@pytest.mark.skipif(not Path("/usr/lib/cni/dhcp").exists(), reason="containernetworking-plugins is not installed")
def test_the_cni_plugin_dhcp(site: Site) -> None:
    site.wire.serve()
    site.host.start(["/usr/lib/cni/dhcp", "daemon"], log=site.host.directory / "cni-dhcp.log")
    eventually(lambda: site.host.path("/run/cni/dhcp.sock").exists())
    plugin = {"type": "macvlan", "master": site.wire.ours, "ipam": {"type": "dhcp"}}
    path = site.host.directory / "wire.conflist"
    path.write_text(json.dumps({"cniVersion": "1.0.0", "name": "wire", "plugins": [plugin]}))
    site.docker.out("network", "create", "-d", "cni", "-o", f"conf={path}", "wire")
    shown = site.run("one", "wire")
    assert shown["IPAddress"].startswith("10.88.0.")
    assert site.addresses("one") == [f"{shown['IPAddress']}/24"]
    assert shown["Gateway"] == "10.88.0.1"
    assert "bytes from" in site.docker.out("exec", "one", "ping", "-c", "1", "-w", "5", "10.88.0.1")
    site.docker.out("rm", "-f", "one")
    eventually(lambda: site.wire.heard("DHCPRELEASE") == 1)
