"""Ports published and withdrawn while their container runs: `weft port add` and `rm`, and update with PortBindings."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rig.docker import Docker
from rig.engine import MakeEngine
from rig.eventually import eventually
from rig.inside import Inside
from rig.internet import Internet

pytestmark = pytest.mark.weft_only("it cannot change the ports of a container")

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")
EVERYWHERE = [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}]


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    return docker_newest


@pytest.fixture
def weft(docker: Docker) -> Docker:
    """The `weft` command on the same engine."""
    return weft_of(docker)


def weft_of(docker: Docker) -> Docker:
    return Docker(docker.engine, str(Path(sys.executable).with_name("weft")))


def web(docker: Docker, name: str, *flags: str) -> None:
    """A web server on port 80 that answers with `name`."""
    docker.out("run", "-d", "--name", name, "--hostname", name, *flags, *WEB)
    eventually(lambda: Inside(docker.engine, name).reaches("127.0.0.1"))


def ports(docker: Docker, name: str) -> Any:
    return docker.inspect(name)["NetworkSettings"]["Ports"]


def listed(docker: Docker, name: str, *port: str) -> list[str]:
    """What `port` lists of IPv4, in order; the same is published on IPv6."""
    return sorted(line for line in docker.lines("port", name, *port) if "::" not in line)


def table(docker: Docker) -> str:
    """All that publishing may change: the sets and maps of Weft's table, counters left out."""
    return docker.engine.host.output("nft", "-s", "list", "table", "inet", "weft")


@contextmanager
def conversation(docker: Docker, address: str, port: int) -> Iterator[socket.socket]:
    """A connection to the echo that `echo` started, over which something was said."""
    with docker.engine.host.connect(address, port) as connection:
        assert says(connection, b"first\n")
        yield connection


def says(connection: socket.socket, line: bytes) -> bool:
    connection.sendall(line)
    return connection.recv(100) == line


def echo(docker: Docker, name: str, *flags: str) -> None:
    """Whoever connects to port 7 gets back what it sends."""
    program = ("busybox", "nc", "-ll", "-p", "7", "-e", "cat")
    docker.out("run", "-d", "--name", name, *flags, *program)
    eventually(lambda: listening(docker, name, 7))


def listening(docker: Docker, name: str, port: int) -> bool:
    try:
        Inside(docker.engine, name).connect("127.0.0.1", port).close()
    except OSError:
        return False
    return True


def test_a_port_comes_and_goes_while_the_container_runs(docker: Docker, weft: Docker, internet: Internet) -> None:
    host = docker.engine.host
    web(docker, "one")
    assert not host.reaches("127.0.0.1", 8080)
    assert weft.lines("port", "add", "one", "8080:80")[0] == "80/tcp -> 0.0.0.0:8080"
    for address in ("127.0.0.1", host.outer[0], "172.17.0.1"):
        assert host.fetch(address, 8080) == b"one\n", address
    assert internet.host.fetch(host.outer[0], 8080) == b"one\n"
    assert Inside(docker.engine, "one").fetch(host.outer[0], 8080) == b"one\n"
    assert host.fetch("::1", 8080) == b"one\n"
    assert ports(docker, "one")["80/tcp"] == EVERYWHERE
    assert docker.inspect("one")["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    assert "0.0.0.0:8080->80/tcp" in docker.out("ps", "--format", "{{.Ports}}")
    assert listed(docker, "one") == listed(weft, "one") == ["80/tcp -> 0.0.0.0:8080"]
    assert weft.out("port", "rm", "one", "80") == ""
    assert not host.reaches("127.0.0.1", 8080)
    assert not host.reaches("::1", 8080)
    assert not internet.host.reaches(host.outer[0], 8080)
    assert (docker.out("port", "one"), docker.out("ps", "--format", "{{.Ports}}")) == ("", "")
    web(docker, "two", "-p", "8080:80")  # the port is free again
    assert host.fetch("127.0.0.1", 8080) == b"two\n"


def test_connections_through_other_ports_go_on(docker: Docker, weft: Docker) -> None:
    echo(docker, "one", "-p", "7001:7", "-p", "7002:7")
    with (
        conversation(docker, "127.0.0.1", 7001) as local,
        conversation(docker, docker.engine.host.outer[0], 7001) as outer,
    ):
        weft.out("port", "add", "one", "8080:80", "9000-9099:9000-9099")
        weft.out("port", "rm", "one", "7002:7")
        weft.out("port", "rm", "one", "9000-9050:9000-9050", "8080:80")
        assert says(local, b"second\n")
        assert says(outer, b"second\n")
        assert len(listed(docker, "one")) == 1 + 49
        with pytest.raises(ConnectionRefusedError):
            docker.engine.host.connect("127.0.0.1", 7002)
        docker.engine.host.connect("127.0.0.1", 7001).close()


def test_it_holds_over_restarts(make_engine: MakeEngine) -> None:
    engine = make_engine()
    docker, host = Docker(engine), engine.host
    web(docker, "one", "-p", "8081:80")
    web(docker, "two", "-p", "8082:80")
    weft_of(docker).out("port", "add", "one", "8080:80", "127.0.0.1:9090:80")
    weft_of(docker).out("port", "rm", "two", "80")
    before, rules = ports(docker, "one"), table(docker)
    engine.kill()
    engine.start()
    assert (ports(docker, "one"), table(docker)) == (before, rules)
    assert host.fetch("127.0.0.1", 8080) == b"one\n"
    assert "port is already allocated" in docker.fails("run", "-d", "-p", "8080:80", *WEB)
    for name in ("one", "two"):
        docker.out("restart", "-t", "0", name)
    for port in (8080, 8081, 9090):
        assert eventually(lambda port=port: host.reaches("127.0.0.1", port))  # type: ignore[misc]
    assert not host.reaches("127.0.0.1", 8082)
    assert listed(docker, "one") == [
        "80/tcp -> 0.0.0.0:8080",
        "80/tcp -> 0.0.0.0:8081",
        "80/tcp -> 127.0.0.1:9090",
    ]


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (("8081:80", "8080:80"), "Bind for 0.0.0.0:8080 failed: port is already allocated"),
        (("8081:80", "127.0.0.1:8080:80"), "Bind for 127.0.0.1:8080 failed: port is already allocated"),
        (("8081:80", "8082:81"), "Bind for 0.0.0.0:8082 failed: port is already allocated"),
        (("8081:80", "8081:81"), "Bind for 0.0.0.0:8081 failed: port is already allocated"),
        (("8081:80", "9999:80"), "failed to bind host port 0.0.0.0:9999/tcp: address already in use"),
        (("8081:80", "203.0.113.99:80:80"), "cannot assign requested address"),
        (("8081:80", "[2001:db8::99]:80:80"), "cannot assign requested address"),
    ],
)
def test_a_conflict_leaves_all_as_it_was(docker: Docker, weft: Docker, wanted: tuple[str, ...], refusal: str) -> None:
    web(docker, "one", "-p", "8080:80")
    web(docker, "two", "-p", "8082:80")
    before, rules = docker.inspect("two"), table(docker)
    with docker.engine.host.within(lambda: socket.create_server(("0.0.0.0", 9999))):
        assert refusal in weft.fails("port", "add", "two", *wanted)
    assert (docker.inspect("two"), table(docker)) == (before, rules)
    weft.out("port", "add", "two", "8081:80")  # nothing was kept of it
    assert docker.engine.host.fetch("127.0.0.1", 8081) == b"two\n"


def test_withdrawals_name_what_is_there(docker: Docker, weft: Docker) -> None:
    web(docker, "one", "-p", "8080:80", "-p", "127.0.0.1:9090:80", "-p", "127.0.0.2:9090:80", "-p", "5353:53/udp")
    before = table(docker)
    for wrong in ("81", "80/udp", "8081:80", "127.0.0.3:9090:80"):
        assert f"No public port '{wrong}" in weft.fails("port", "rm", "one", "5353:53/udp", wrong)
    assert table(docker) == before
    weft.out("port", "rm", "one", "127.0.0.2:9090:80")
    assert listed(docker, "one", "80") == ["0.0.0.0:8080", "127.0.0.1:9090"]
    weft.out("port", "rm", "one", "80/tcp")
    assert listed(docker, "one") == ["53/udp -> 0.0.0.0:5353"]


def test_ports_that_weft_chooses(docker: Docker, weft: Docker) -> None:
    host = docker.engine.host
    web(docker, "one", "-P", "--expose", "80")
    first = listed(docker, "one", "80")[0].rpartition(":")[2]
    weft.out("port", "add", "one", "80")
    chosen = {line.rpartition(":")[2] for line in listed(docker, "one", "80")}
    assert len(chosen) == 2
    assert all(host.fetch("127.0.0.1", int(port)) == b"one\n" for port in chosen)
    weft.out("port", "rm", "one", f"{first}:80")
    assert {line.rpartition(":")[2] for line in listed(docker, "one", "80")} == chosen - {first}
    weft.out("port", "rm", "one", "80")
    docker.out("restart", "-t", "0", "one")
    assert docker.lines("port", "one") == []  # -P does not bring back what was withdrawn


def test_udp_flows_end_with_their_port_alone(docker: Docker, weft: Docker) -> None:
    host = docker.engine.host
    docker.out("run", "-d", "--name", "one", "-p", "5353:53/udp", "-p", "5454:53/udp", "busybox", "top")
    with Inside(docker.engine, "one").serve_udp(53), host.udp() as kept, host.udp() as gone:
        for asking, port in ((kept, 5353), (gone, 5454)):
            asking.settimeout(0.7)
            asking.sendto(b"first", (host.outer[0], port))
            assert asking.recv(100) == b"first"
        weft.out("port", "rm", "one", "5454:53/udp")
        kept.sendto(b"second", (host.outer[0], 5353))
        assert kept.recv(100) == b"second"
        gone.sendto(b"second", (host.outer[0], 5454))
        with pytest.raises(OSError, match=r"timed out|refused"):
            gone.recv(100)


def test_a_container_that_does_not_run(docker: Docker, weft: Docker) -> None:
    docker.out("create", "--name", "one", "--hostname", "one", "-p", "8081:80", *WEB)
    weft.out("port", "add", "one", "8080:80")
    weft.out("port", "rm", "one", "8081:80")
    assert "port is already allocated" in weft.fails("port", "add", "one", "127.0.0.1:8080:81")
    assert docker.inspect("one")["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    docker.out("start", "one")
    assert eventually(lambda: docker.engine.host.reaches("127.0.0.1", 8080))
    assert not docker.engine.host.reaches("127.0.0.1", 8081)


def test_a_container_that_nothing_leads_to_yet(docker: Docker, weft: Docker) -> None:
    docker.out("network", "create", "--internal", "inner")
    docker.out("network", "create", "net")
    web(docker, "one", "--network", "inner")
    done = weft("port", "add", "one", "8080:80")
    assert (done.returncode, done.stdout) == (0, "")
    assert "80/tcp of container one is not reachable yet" in done.stderr
    docker.out("network", "connect", "net", "one")
    assert eventually(lambda: docker.engine.host.reaches("127.0.0.1", 8080))
    docker.out("run", "-d", "--name", "bare", "--network", "host", "busybox", "top")
    assert "network mode host" in weft.fails("port", "add", "bare", "8080:80")
    docker.out("run", "-d", "--name", "guest", "--network", "container:one", "busybox", "top")
    assert "container type network mode" in weft.fails("port", "add", "guest", "8081:80")


def test_an_event_tells(docker: Docker, weft: Docker) -> None:
    web(docker, "one")
    since = docker.engine.host.output("date", "+%s.%N").strip()
    weft.out("port", "add", "one", "8080:80")
    until = docker.engine.host.output("date", "+%s.%N").strip()
    lines = docker.lines("events", "--since", since, "--until", until, "--format", "{{json .}}")
    assert [
        (event["Type"], event["Action"], event["Actor"]["Attributes"]["name"]) for event in map(json.loads, lines)
    ] == [("container", "update", "one")]


def test_update_replaces_all_ports_at_once(docker: Docker) -> None:
    web(docker, "one", "-p", "8080:80", "-p", "8081:81")
    identity = docker.inspect("one")["Id"]

    def update(**document: Any) -> Any:
        return docker.engine.api.post(f"/containers/{identity}/update", document)

    swapped = {"81/tcp": [{"HostPort": "8080"}], "80/tcp": [{"HostPort": "8081"}, {"HostIp": "127.0.0.1"}]}
    answer = update(PortBindings=swapped, RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 3})
    assert (answer.status, answer.json) == (200, {"Warnings": []})
    assert docker.engine.host.fetch("127.0.0.1", 8081) == b"one\n"
    assert ports(docker, "one")["81/tcp"] == EVERYWHERE
    assert docker.inspect("one")["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    before = (docker.inspect("one"), table(docker))
    assert update(PortBindings={"x": []}).status == 400
    assert update(PortBindings={"80/tcp": [{"HostPort": "1"}]}, OomScoreAdj=5).status == 501
    assert "OomScoreAdj is not supported by update" in update(OomScoreAdj=5).message
    assert update(RestartPolicy={"Name": "sometimes"}).status == 400
    assert (docker.inspect("one"), table(docker)) == before
    assert update(PortBindings={}).status == 200
    assert docker.lines("port", "one") == []


def test_command_lines_that_are_refused(docker: Docker, weft: Docker) -> None:
    web(docker, "one")
    assert "invalid proto" in weft.fails("port", "add", "one", "80/nonsense")
    assert "requires at least 2 arguments" in weft.fails("port", "add", "one")
    assert "No such container: nobody" in weft.fails("port", "add", "nobody", "80")
    assert "No such container: nobody" in weft.fails("port", "rm", "nobody", "80")
    assert weft.lines("__complete", "port", "")[:2] == ["add", "rm"]
    assert weft.lines("__complete", "port", "add", "") == ["one"]
