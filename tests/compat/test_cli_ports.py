"""Published ports: every form of -p, -P, who reaches them, and what is refused."""

from __future__ import annotations

import re
import socket
import struct
from functools import partial

import pytest

from rig.docker import Docker
from rig.engine import MakeEngine
from rig.eventually import eventually
from rig.inside import Inside
from rig.internet import Internet


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough: what -p means is the engine's affair."""
    return docker_newest


WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")


def web(docker: Docker, name: str, *flags: str) -> str:
    """A web server on port 80 that answers with `name`; returns when it answers inside."""
    identity = docker.out("run", "-d", "--name", name, "--hostname", name, *flags, *WEB)
    eventually(lambda: Inside(docker.engine, name).reaches("127.0.0.1"))
    return identity


def bindings(docker: Docker, name: str, port: str = "80/tcp") -> list[tuple[str, str]]:
    """(address, port) of the host for one of the container's ports, IPv4 first."""
    found = docker.inspect(name)["NetworkSettings"]["Ports"][port] or []
    return sorted(((one["HostIp"], one["HostPort"]) for one in found), key=lambda pair: ":" in pair[0])


def udp_answers(docker: Docker, address: str, port: int) -> bool:
    """Whether the echo at that address answers, asked from the host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with docker.engine.host.udp(family) as asking:
        asking.settimeout(0.7)
        try:
            asking.sendto(b"ping", (address, port))
            return asking.recv(100) == b"ping"
        except OSError:
            return False


def test_everywhere_by_default(docker: Docker, internet: Internet) -> None:
    host = docker.engine.host
    web(docker, "one", "-p", "8080:80")
    assert bindings(docker, "one")[0] == ("0.0.0.0", "8080")
    for address in ("127.0.0.1", host.outer[0], "172.17.0.1"):
        assert host.fetch(address, 8080) == b"one\n", address
    assert internet.host.fetch(host.outer[0], 8080) == b"one\n"
    docker.out("rm", "-f", "one")
    assert not host.reaches("127.0.0.1", 8080)
    assert not internet.host.reaches(host.outer[0], 8080)


def test_over_ipv6(docker: Docker, internet: Internet) -> None:
    host = docker.engine.host
    web(docker, "one", "-p", "8080:80")
    assert host.fetch("::1", 8080) == b"one\n"
    assert host.fetch(host.outer[1], 8080) == b"one\n"
    assert internet.host.fetch(host.outer[1], 8080) == b"one\n"


def test_one_host_address(docker: Docker, internet: Internet) -> None:
    host = docker.engine.host
    web(docker, "near", "-p", "127.0.0.1:8080:80")
    web(docker, "far", "-p", f"{host.outer[0]}:8080:80")
    web(docker, "other", "-p", "127.0.0.2:8080:80")
    assert bindings(docker, "near") == [("127.0.0.1", "8080")]
    assert host.fetch("127.0.0.1", 8080) == b"near\n"
    assert host.fetch("127.0.0.2", 8080) == b"other\n"
    assert host.fetch(host.outer[0], 8080) == b"far\n"
    assert internet.host.fetch(host.outer[0], 8080) == b"far\n"


def test_every_address_of_a_dual_stack_container(docker: Docker, internet: Internet) -> None:
    host = docker.engine.host
    docker.out("network", "create", "--ipv6", "--subnet", "fd12:3457::/64", "net")
    web(docker, "one", "--network", "net", "-p", f"[{host.outer[1]}]:8080:80")
    assert bindings(docker, "one") == [(host.outer[1], "8080")]
    assert host.fetch(host.outer[1], 8080) == b"one\n"
    assert internet.host.fetch(host.outer[1], 8080) == b"one\n"
    assert not host.reaches(host.outer[0], 8080)


def test_one_ipv6_host_address(docker: Docker) -> None:
    host = docker.engine.host
    web(docker, "one", "-p", "[::1]:8080:80")
    assert bindings(docker, "one") == [("::1", "8080")]
    assert host.fetch("::1", 8080) == b"one\n"
    assert not host.reaches("127.0.0.1", 8080)


def test_random_ports(docker: Docker) -> None:
    host = docker.engine.host
    web(docker, "one", "-p", "80")
    web(docker, "two", "-p", "127.0.0.1::80")
    ports = [int(bindings(docker, name)[0][1]) for name in ("one", "two")]
    assert all(32768 <= port <= 60999 for port in ports)
    assert [host.fetch("127.0.0.1", port) for port in ports] == [b"one\n", b"two\n"]


def test_ranges(docker: Docker) -> None:
    host = docker.engine.host
    web(docker, "one", "-p", "9000-9002:80-82")
    assert [bindings(docker, "one", f"8{last}/tcp")[0][1] for last in range(3)] == ["9000", "9001", "9002"]
    assert host.fetch("127.0.0.1", 9000) == b"one\n"
    for number, expected in enumerate(("9090", "9091")):
        web(docker, f"next{number}", "-p", "9090-9091:80")
        assert bindings(docker, f"next{number}")[0][1] == expected
        assert host.fetch("127.0.0.1", int(expected)) == f"next{number}\n".encode()
    refusal = docker.fails("run", "-d", "-p", "9090-9091:80", *WEB, status=125)
    assert re.search("port is already allocated|all ports are allocated|address already in use", refusal)
    assert "nvalid ranges specified" in docker.fails("run", "-d", "-p", "1-3:80-81", "busybox", status=125)


def test_a_long_run_at_one_address(docker: Docker, internet: Internet) -> None:
    """Each port leads to its own number; at the other addresses of the host they lead nowhere."""
    host = docker.engine.host
    serve = "for port in 8000 8050 8099; do mkdir -p /www/$port; echo $port >/www/$port/index.html; "
    serve += "httpd -p $port -h /www/$port; done; exec top"
    docker.out(
        *("run", "-d", "--name", "one", "-p", f"{host.outer[0]}:8000-8099:8000-8099", "busybox", "sh", "-c", serve)
    )
    for port in (8000, 8050, 8099):
        eventually(lambda port=port: internet.host.reaches(host.outer[0], port))
        assert internet.host.fetch(host.outer[0], port) == f"{port}\n".encode()
        assert not host.reaches("127.0.0.1", port)


def test_udp_and_tcp_on_one_number(docker: Docker) -> None:
    host = docker.engine.host
    web(docker, "one", "-p", "5353:80/tcp", "-p", "5353:53/udp")
    with Inside(docker.engine, "one").serve_udp(53):
        assert host.fetch("127.0.0.1", 5353) == b"one\n"
        for address in ("127.0.0.1", host.outer[0]):
            assert udp_answers(docker, address, 5353), address
    docker.out("rm", "-f", "one")
    assert not udp_answers(docker, host.outer[0], 5353)


def test_udp_follows_to_the_next_container(docker: Docker) -> None:
    """Flows of a removed container must not swallow its successor's, who has another address."""
    host = docker.engine.host
    docker.out("network", "create", "--subnet", "10.98.0.0/24", "net")
    with host.udp() as asking:
        asking.settimeout(0.7)
        for name, address in (("one", "10.98.0.10"), ("two", "10.98.0.11")):
            place = ("--network", "net", "--ip", address)
            docker.out("run", "-d", "--name", name, *place, "-p", "5353:53/udp", "busybox", "top")
            with Inside(docker.engine, name).serve_udp(53):
                asking.sendto(name.encode(), (host.outer[0], 5353))
                assert asking.recv(100) == name.encode()
            docker.out("rm", "-f", name)


@pytest.mark.weft_only("its proxy needs SCTP sockets, which not every kernel has")
def test_sctp(docker: Docker, internet: Internet) -> None:
    """This kernel may have no SCTP sockets; the packets themselves are translated, there and back."""
    host = docker.engine.host
    docker.out("network", "create", "--ipv6", "--subnet", "fd12:3459::/64", "dual")
    docker.out("run", "-d", "--name", "one", "--network", "dual", "-p", "5000:132/sctp", "busybox", "top")
    assert bindings(docker, "one", "132/sctp") == [("0.0.0.0", "5000"), ("::", "5000")]
    for family, address in ((socket.AF_INET, host.outer[0]), (socket.AF_INET6, host.outer[1])):
        with (
            internet.host.within(partial(_sctp, family)) as client,
            Inside(docker.engine, "one").within(partial(_sctp, family)) as server,
        ):
            arrived = eventually(partial(_sctp_arrives, client, server, address, 5000))
            assert arrived[:4] == struct.pack("!HH", 40000, 132)
            assert not _sctp_arrives(client, server, address, 5001)


def _sctp(family: socket.AddressFamily) -> socket.socket:
    raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_SCTP)
    raw.settimeout(0.7)
    return raw


def _sctp_arrives(client: socket.socket, server: socket.socket, address: str, port: int) -> bytes:
    """Send the first packet of an association (RFC 9260, 3.3.2); return it as it comes out, b"" where it does not."""
    head = struct.pack("!HHI", 40000, port, 0)
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65536, 1, 1, 1)
    client.sendto(head + struct.pack("<I", _crc32c(head + bytes(4) + chunk)) + chunk, (address, 0))
    try:
        data = server.recv(1000)
    except OSError:
        return b""
    return data[(data[0] & 15) * 4 :] if server.family == socket.AF_INET else data


def _crc32c(data: bytes) -> int:
    """RFC 9260, appendix A."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def test_udp_over_ipv6(docker: Docker, internet: Internet) -> None:
    host = docker.engine.host
    docker.out("network", "create", "--ipv6", "--subnet", "fd12:3460::/64", "dual")
    docker.out("run", "-d", "--name", "one", "--network", "dual", "-p", "5353:53/udp", "busybox", "top")
    with Inside(docker.engine, "one").serve_udp(53, socket.AF_INET6):
        eventually(lambda: udp_answers(docker, host.outer[1], 5353))
        with internet.host.udp(socket.AF_INET6) as asking:
            asking.sendto(b"ping", (host.outer[1], 5353))
            assert asking.recv(100) == b"ping"
    docker.out("rm", "-f", "one")
    assert not udp_answers(docker, host.outer[1], 5353)


@pytest.mark.weft_only("it waits for the detection of duplicates")
def test_ipv6_reaches_the_first_container_at_once(docker: Docker, internet: Internet) -> None:
    """A bridge solicits for what it forwards from its link-local address, which must not be tentative then."""
    host = docker.engine.host
    docker.out("network", "create", "--ipv6", "--subnet", "fd12:3461::/64", "-o", f"{_NAME}=first0", "first")
    web(docker, "one", "--network", "first", "-p", "8080:80")
    assert "fe80::" in host.output("ip", "-6", "address", "show", "dev", "first0")
    assert host.output("ip", "-6", "address", "show", "dev", "first0", "tentative") == ""
    assert internet.host.reaches(host.outer[1], 8080)


_NAME = "com.docker.network.bridge.name"


def test_publish_all(docker: Docker) -> None:
    host = docker.engine.host
    docker.out("run", "-d", "--name", "one", "-P", "nginx")
    port = int(bindings(docker, "one")[0][1])
    assert eventually(lambda: host.reaches("127.0.0.1", port))
    docker.out("run", "-d", "--name", "two", "-P", "--expose", "99/udp", "busybox", "top")
    assert int(bindings(docker, "two", "99/udp")[0][1]) >= 32768


def test_exposed_only(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "--expose", "1234", "busybox", "top")
    assert docker.inspect("one")["NetworkSettings"]["Ports"] == {"1234/tcp": None}
    assert docker.out("ps", "--format", "{{.Ports}}") == "1234/tcp"


def test_from_containers(docker: Docker) -> None:
    """Through the host's address and the bridge's: from itself (hairpin), a neighbour, another network."""
    host = docker.engine.host
    docker.out("network", "create", "other")
    web(docker, "one", "-p", "8080:80")
    web(docker, "neighbour")
    web(docker, "stranger", "--network", "other")
    for name in ("one", "neighbour", "stranger"):
        inside = Inside(docker.engine, name)
        for address in (host.outer[0], "172.17.0.1"):
            assert inside.fetch(address, 8080) == b"one\n", (name, address)


@pytest.mark.weft_only("it leaves the setting as it is")
def test_from_containers_where_bridged_frames_pass_the_firewall(make_engine: MakeEngine) -> None:
    """Somebody else's bridge may need br_netfilter: then the bridge itself takes a container to its own port."""
    engine = make_engine(start=False)
    host, call = engine.host, "/proc/sys/net/bridge/bridge-nf-call-iptables"
    host.run(["ip", "link", "add", "other0", "type", "bridge"])
    host.sysctl(**{"net__bridge__bridge-nf-call-iptables": 1})
    engine.start()
    assert host.within(lambda: host.path(call).read_text()) == "1\n"
    docker = Docker(engine)
    web(docker, "one", "-p", "8080:80")
    web(docker, "two")
    for name in ("one", "two"):
        assert Inside(engine, name).fetch(host.outer[0], 8080) == b"one\n", name


def test_on_a_user_defined_network(docker: Docker, internet: Internet) -> None:
    host = docker.engine.host
    docker.out("network", "create", "net")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    for address in ("127.0.0.1", host.outer[0]):
        assert host.fetch(address, 8080) == b"one\n"
    assert internet.host.fetch(host.outer[0], 8080) == b"one\n"
    docker.out("restart", "-t", "0", "one")
    assert eventually(lambda: internet.host.reaches(host.outer[0], 8080))


def test_default_host_address_of_a_network(docker: Docker) -> None:
    docker.out("network", "create", "-o", "com.docker.network.bridge.host_binding_ipv4=127.0.0.1", "net")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    assert bindings(docker, "one")[0] == ("127.0.0.1", "8080")
    assert docker.engine.host.fetch("127.0.0.1", 8080) == b"one\n"
    assert not docker.engine.host.reaches(docker.engine.host.outer[0], 8080)


ALLOCATED = (
    r"driver failed programming external connectivity on endpoint two \([0-9a-f]{64}\): "
    r"(Bind for (0\.0\.0\.0|127\.0\.0\.1|:::|\[::\]):8080 failed: port is already allocated"
    # what 20.10's proxy says of an address that the wildcard covers
    r"|Error starting userland proxy: listen tcp4 127\.0\.0\.1:8080: bind: address already in use)"
)


@pytest.mark.parametrize("second", ["8080:80", "127.0.0.1:8080:80", "8080:81"])
def test_a_port_of_another_container(docker: Docker, second: str) -> None:
    web(docker, "one", "-p", "8080:80")
    assert re.search(ALLOCATED, docker.fails("run", "-d", "--name", "two", "-p", second, *WEB, status=125))
    state = docker.inspect("two")["State"]
    assert (state["Status"], state["Running"], state["ExitCode"]) == ("created", False, 128)
    assert docker.inspect("network", "bridge")["Containers"].keys() == {docker.inspect("one")["Id"]}
    docker.out("rm", "-f", "one")
    docker.out("start", "two")
    assert eventually(lambda: docker.engine.host.reaches("127.0.0.1", 8080) or second.endswith("81"))


def test_a_port_that_a_program_of_the_host_holds(docker: Docker) -> None:
    with docker.engine.host.within(lambda: socket.create_server(("0.0.0.0", 8080))):
        refusal = docker.fails("run", "-d", "--name", "two", "-p", "8080:80", *WEB, status=125)
    assert "8080" in refusal
    assert "address already in use" in refusal
    docker.out("start", "two")


def test_ports_return_when_a_container_stops(docker: Docker) -> None:
    web(docker, "one", "-p", "8080:80")
    docker.out("stop", "-t", "0", "one")
    web(docker, "two", "-p", "8080:80")
    assert docker.engine.host.fetch("127.0.0.1", 8080) == b"two\n"
    assert "port is already allocated" in docker.fails("start", "one")


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("0:80", None),
        ("70000:80", "[Ii]nvalid (hostPort|port)"),
        ("80:70000", "[Ii]nvalid (containerPort|port)"),
        ("1.2.3:80:80", "[Ii]nvalid (IP|ip)"),
        ("8080:80/nonsense", "[Ii]nvalid proto"),
        ("web:80", "[Ii]nvalid (hostPort|port)"),
    ],
)
def test_forms_that_are_refused(docker: Docker, flag: str, text: str | None) -> None:
    done = docker("create", "-p", flag, "busybox")
    if text is None:
        assert done.returncode == 0
    else:
        assert done.returncode != 0
        assert re.search(text, done.stderr)


def test_an_address_that_is_not_the_hosts(docker: Docker) -> None:
    refusal = docker.fails("run", "-d", "-p", "203.0.113.99:8080:80", *WEB, status=125)
    assert "203.0.113.99" in refusal
    assert "cannot assign requested address" in refusal


def test_moves_with_the_network(docker: Docker) -> None:
    """Ports work through whichever network is the gateway."""
    host = docker.engine.host
    docker.out("network", "create", "net")
    web(docker, "one", "-p", "8080:80")
    docker.out("network", "connect", "net", "one")
    docker.out("network", "disconnect", "bridge", "one")
    assert eventually(lambda: host.reaches("127.0.0.1", 8080))
    assert bindings(docker, "one")[0] == ("0.0.0.0", "8080")


def test_internal_networks_publish_nothing(docker: Docker) -> None:
    docker.out("network", "create", "--internal", "net")
    web(docker, "one", "--network", "net", "-p", "8080:80")
    assert not docker.engine.host.reaches(docker.engine.host.outer[0], 8080)
    assert docker.inspect("one")["HostConfig"]["PortBindings"]["80/tcp"] == [{"HostIp": "", "HostPort": "8080"}]
