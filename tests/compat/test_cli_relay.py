"""Published ports over IPv6 for containers that have only IPv4, and on ::1 for all: carried by weft-relay."""

from __future__ import annotations

import json
import signal
import socket

import pytest

from rig.docker import Docker
from rig.engine import Engine, MakeEngine
from rig.eventually import eventually
from rig.host import Host
from rig.inside import Inside
from rig.internet import Internet

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough: what -p means is the engine's affair."""
    return docker_newest


def web(docker: Docker, name: str, *flags: str) -> None:
    docker.out("run", "-d", "--name", name, "--hostname", name, *flags, *WEB)
    eventually(lambda: Inside(docker.engine, name).reaches("127.0.0.1"))


def bindings(docker: Docker, name: str, port: str = "80/tcp") -> list[tuple[str, str]]:
    found = docker.inspect(name)["NetworkSettings"]["Ports"][port] or []
    return sorted(((one["HostIp"], one["HostPort"]) for one in found), key=lambda pair: ":" in pair[0])


def relays(engine: Engine) -> list[str]:
    """The process ids of weft-relay in the engine's host."""
    found = engine.host.run(["pgrep", "-x", "weft-relay"], check=False)
    return found.stdout.split()


def echoes(engine: Engine, address: str, port: int) -> bool:
    with engine.host.udp(socket.AF_INET6) as asking:
        asking.settimeout(0.7)
        try:
            asking.sendto(b"ping", (address, port))
            data, sender = asking.recvfrom(100)
        except OSError:
            return False
        return data == b"ping" and sender[:2] == (address, port)


def test_bindings_and_who_reaches_them(docker: Docker, internet: Internet) -> None:
    host = docker.engine.host
    web(docker, "one", "-p", "8080:80")
    assert bindings(docker, "one") == [("0.0.0.0", "8080"), ("::", "8080")]
    assert "[::]:8080->80/tcp" in docker.out("ps", "--format", "{{.Ports}}").replace(":::", "[::]:")
    for address in ("::1", host.outer[1], "127.0.0.1", host.outer[0]):
        assert host.fetch(address, 8080) == b"one\n", address
    assert internet.host.fetch(host.outer[1], 8080) == b"one\n"
    docker.out("stop", "-t", "0", "one")
    assert not host.reaches("::1", 8080)
    docker.out("start", "one")
    eventually(lambda: host.reaches("::1", 8080))
    docker.out("rm", "-f", "one")
    assert not host.reaches("::1", 8080)


def test_udp(docker: Docker) -> None:
    engine = docker.engine
    docker.out("run", "-d", "--name", "one", "-p", "8080:80/udp", "busybox", "top")
    server = Inside(engine, "one").serve_udp(80)
    try:
        for address in ("::1", engine.host.outer[1]):
            eventually(lambda address=address: echoes(engine, address, 8080))
    finally:
        server.close()


def test_on_the_loopback_of_a_dual_stack_container(docker: Docker, internet: Internet) -> None:
    host = docker.engine.host
    docker.out("network", "create", "--ipv6", "--subnet", "fd12:3458::/64", "net")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    web(docker, "two", "--network", "net", "-p", "[::1]:8081:80")
    if not docker.engine.reference:  # httpd listens on IPv4 alone there
        assert host.fetch(host.outer[1], 8080) == b"one\n"
    for port in (8080, 8081):
        eventually(lambda port=port: host.reaches("::1", port))
    assert not host.reaches("127.0.0.1", 8081)
    assert not internet.host.reaches(host.outer[1], 8081)


@pytest.mark.weft_only("its proxies hold the port in another way")
def test_a_program_of_the_host_holds_the_port(docker: Docker) -> None:
    listener = docker.engine.host.within(lambda: socket.create_server(("::1", 8080), family=socket.AF_INET6))
    with listener:
        refusal = docker.fails("run", "-d", "--name", "one", "-p", "8080:80", *WEB, status=125)
    assert "failed to bind host port" in refusal
    assert "8080/tcp: address already in use" in refusal
    docker.out("start", "one")
    eventually(lambda: docker.engine.host.reaches("::1", 8080))


@pytest.mark.weft_only("it carries SCTP as well")
def test_sctp_is_not_carried(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "-p", "8080:80/sctp", "busybox", "top")
    assert bindings(docker, "one", "80/sctp") == [("0.0.0.0", "8080")]
    refusal = docker.fails("run", "-d", "-p", "[::]:8081:80/sctp", "busybox", "top", status=125)
    assert "cannot publish on [::]" in refusal


@pytest.mark.weft_only("it has no policies")
@pytest.mark.parametrize(("policy", "reached"), [("localhost", False), ("2001:db8::/32", True), ("fd77::/64", False)])
def test_policies_hold(docker: Docker, internet: Internet, policy: str, reached: bool) -> None:
    host = docker.engine.host
    web(docker, "one", "--label", f"weft.publish={policy}", "-p", "8080:80")
    assert host.fetch("::1", 8080) == b"one\n"
    if policy != "2001:db8::/32":
        assert internet.host.reaches(host.outer[1], 8080) is reached


@pytest.mark.weft_only("it has no policies")
@pytest.mark.parametrize(("policy", "reached"), [("localhost", False), ("open", True)])
def test_policies_hold_for_udp(docker: Docker, internet: Internet, policy: str, reached: bool) -> None:
    engine = docker.engine
    labels = ("--label", f"weft.publish={policy}")
    docker.out("run", "-d", "--name", "one", *labels, "-p", "8080:80/udp", "busybox", "top")
    with Inside(engine, "one").serve_udp(80), internet.host.udp(socket.AF_INET6) as asking:
        eventually(lambda: echoes(engine, "::1", 8080))
        asking.settimeout(0.7)
        asking.sendto(b"ping", (engine.host.outer[1], 8080))
        try:
            assert (asking.recv(100) == b"ping") is reached
        except TimeoutError:
            assert not reached


@pytest.mark.weft_only("it is about weft-relay")
def test_without_userland_proxy(make_engine: MakeEngine) -> None:
    docker = Docker(make_engine({"userland-proxy": False}))
    web(docker, "one", "-p", "8080:80")
    assert bindings(docker, "one") == [("0.0.0.0", "8080")]
    assert not docker.engine.host.reaches("::1", 8080)
    assert relays(docker.engine) == []
    refusal = docker.fails("run", "-d", "-p", "[::1]:8081:80", *WEB, status=125)
    assert "cannot publish on [::1]: the container has no IPv6 address" in refusal


@pytest.mark.weft_only("it is about weft-relay")
def test_the_daemon_dies_and_comes_back(make_engine: MakeEngine) -> None:
    engine = make_engine()
    docker, host = Docker(engine), engine.host
    assert relays(engine) == []
    web(docker, "one", "-p", "8080:80")
    assert host.fetch("::1", 8080) == b"one\n"
    before = relays(engine)
    assert len(before) == 1
    engine.kill()
    assert host.fetch("::1", 8080) == b"one\n"
    engine.start()
    assert host.fetch("::1", 8080) == b"one\n"
    assert relays(engine) == before
    host.run(["kill", "-KILL", before[0]])
    eventually(lambda: host.reaches("::1", 8080))
    assert len(relays(engine)) == 1
    docker.out("rm", "-f", "one")
    eventually(lambda: relays(engine) == [], timeout=30)
    eventually(lambda: "elements" not in host.output("nft", "list", "map", "inet", "weft", "relay"))
    web(docker, "two", "-p", "8080:80")
    eventually(lambda: host.reaches("::1", 8080))


@pytest.mark.weft_only("it is about weft-relay")
def test_the_relay_dies_and_its_port_is_taken(make_engine: MakeEngine) -> None:
    engine = make_engine()
    docker, host = Docker(engine), engine.host
    web(docker, "one", "-p", "8080:80")
    eventually(lambda: host.reaches("::1", 8080))
    former = redirected_to(host)
    assert engine.daemon is not None
    engine.daemon.signal(signal.SIGSTOP)
    try:
        host.run(["kill", "-KILL", *relays(engine)])
        thief = eventually(lambda: taken(host, former))
    finally:
        engine.daemon.signal(signal.SIGCONT)
    with thief:
        eventually(lambda: host.reaches("::1", 8080))
        assert redirected_to(host) != former


def redirected_to(host: Host) -> int:
    """The port that the firewall redirects to."""
    listed = json.loads(host.output("nft", "-j", "list", "map", "inet", "weft", "relay"))["nftables"]
    return int(listed[-1]["map"]["elem"][0][1])


def taken(host: Host, port: int) -> socket.socket | None:
    try:
        listener: socket.socket = host.within(lambda: socket.create_server(("::", port), family=socket.AF_INET6))
    except OSError:  # the relay's is not gone yet
        return None
    return listener


@pytest.mark.weft_only("it starts a proxy a port")
@pytest.mark.parametrize("where", ["", "[::1]:"])
@pytest.mark.parametrize("flags", [(), ("--network", "dual")], ids=["ipv4", "dual"])
def test_a_long_run_of_ports(docker: Docker, flags: tuple[str, ...], where: str) -> None:
    """A run is one element and one message; ports in its midst come and go by themselves."""
    host = docker.engine.host
    if flags:
        docker.out("network", "create", "--ipv6", "--subnet", "fd12:3458::/64", "dual")
    run = ("-p", f"{where}8000-8099:9000-9099")
    docker.out("run", "-d", "--name", "one", *flags, *run, "busybox", "sh", "-c", _SERVE)
    for port in (8000, 8050, 8099):
        eventually(lambda port=port: host.reaches("::1", port))
        assert host.fetch("::1", port) == str(port + 1000).encode()
    assert not host.reaches("::1", 8100)
    elements = host.output("nft", "list", "table", "inet", "weft")
    assert "tcp . 8000-8099" in elements
    docker.engine.api.need("POST", "/containers/one/unpublish", {"PortBindings": {"9050/tcp": [{}]}})
    assert not host.reaches("::1", 8050)
    for port in (8049, 8051):
        assert host.fetch("::1", port) == str(port + 1000).encode()
    docker.out("rm", "-f", "one")
    assert not host.reaches("::1", 8049)
    assert "8051" not in host.output("nft", "list", "table", "inet", "weft")


@pytest.mark.weft_only("it starts a proxy a port")
def test_neighbouring_runs_stay_apart(make_engine: MakeEngine) -> None:
    """Ports of two containers that follow each other are no run, also not when the table is made anew."""
    engine = make_engine()
    docker, host = Docker(engine), engine.host
    for name, run in (("one", "8000-8039:9000-9039"), ("two", "8040-8139:9000-9099")):
        docker.out("run", "-d", "--name", name, "-p", run, "busybox", "sh", "-c", _SERVE)
    for port in (8000, 8040, 8139):
        eventually(lambda port=port: host.reaches("::1", port))
    engine.restart()
    docker.out("rm", "-f", "one")
    assert not host.reaches("::1", 8000)
    assert host.reaches("::1", 8040)
    listed = [host.output("nft", "list", "set", "inet", "weft", name) for name in ("relayed", "relayed_runs")]
    assert "8000" not in "".join(listed)
    assert "tcp . 8040-8139" in listed[1]


# Listens on IPv6 and IPv4 alike, and says on which port.
_SERVE = """for port in 9000 9049 9050 9051 9099; do
mkdir -p /www/$port; printf $port >/www/$port/index.html
httpd -p "[::]:$port" -h /www/$port || httpd -p $port -h /www/$port
done; exec top"""
