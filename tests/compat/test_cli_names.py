"""Names inside containers: what resolves, for whom, and what is passed on."""

from __future__ import annotations

import re

import pytest

from rig.docker import Docker
from rig.eventually import eventually
from rig.inside import Inside
from rig.internet import GOOGLE, GOOGLE6


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    docker_newest.out("network", "create", "net")
    return docker_newest


def start(docker: Docker, name: str, *flags: str) -> str:
    """A sleeping container; returns its address on the first network."""
    docker.out("run", "-d", "--name", name, *flags, "busybox", "top")
    return next(iter(docker.inspect(name)["NetworkSettings"]["Networks"].values()))["IPAddress"]  # type: ignore[no-any-return]


def test_every_name_of_a_container(docker: Docker) -> None:
    flags = ("--network", "net", "--network-alias", "first", "--network-alias", "second", "--hostname", "boxname")
    address = start(docker, "db", *flags)
    start(docker, "web", "--network", "net")
    inside = Inside(docker.engine, "web")
    short = docker.inspect("db")["Id"][:12]
    names = ["db", "first", "second", short, "db.net", "first.net", f"{short}.net", "DB"]
    # Docker answers to the hostname too since API 1.44.
    names += [] if docker.engine.reference else ["boxname"]
    for name in names:
        assert inside.addresses(name) == [address], name
        assert inside.addresses(name, tcp=True) == [address], name
    backwards = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    assert [str(record.rdata) for record in inside.ask(backwards, "PTR").rr] == ["db.net."]
    assert inside.ask("db", "AAAA").header.rcode == 0
    assert inside.addresses("db", "AAAA") == []
    assert docker.out("exec", "web", "ping", "-c", "1", "first").startswith(f"PING first ({address})")


def test_unknown_names(docker: Docker) -> None:
    start(docker, "web", "--network", "net")
    inside = Inside(docker.engine, "web")
    for name in ("nobody.example.net", "nobody"):
        assert inside.ask(name).header.rcode == 3, name
    assert "bad address 'nobody'" in docker("exec", "web", "ping", "-c", "1", "nobody").stderr


def test_aliases_go_round(docker: Docker) -> None:
    addresses = {start(docker, f"back{number}", "--network", "net", "--network-alias", "back") for number in range(3)}
    start(docker, "web", "--network", "net")
    inside = Inside(docker.engine, "web")
    firsts = set()
    for _ in range(60):
        found = inside.addresses("back")
        assert set(found) == addresses
        firsts.add(found[0])
    assert firsts == addresses


def test_names_are_a_networks_own(docker: Docker) -> None:
    docker.out("network", "create", "other")
    there = start(docker, "db", "--network", "other", "--network-alias", "store")
    start(docker, "web", "--network", "net")
    inside = Inside(docker.engine, "web")
    for name in ("db", "store", "db.other"):
        assert inside.addresses(name) == [], name
    docker.out("network", "connect", "--alias", "front", "other", "web")
    assert inside.addresses("db") == [there]
    assert inside.addresses("db.other") == [there]
    assert Inside(docker.engine, "db").addresses("front") != []
    docker.out("network", "disconnect", "other", "web")
    assert inside.addresses("db") == []


def test_the_default_bridge_has_no_names(docker: Docker) -> None:
    start(docker, "db")
    start(docker, "web")
    assert "bad address 'db'" in docker("exec", "web", "ping", "-c", "1", "db").stderr
    shown = docker.out("exec", "web", "cat", "/etc/resolv.conf")
    assert "127.0.0.11" not in shown
    assert "nameserver 8.8.8.8" in shown


def test_files_of_a_user_defined_network(docker: Docker) -> None:
    address = start(docker, "web", "--network", "net", "--add-host", "extra:10.1.2.3", "--dns-search", "lab.test")
    shown = docker.out("exec", "web", "cat", "/etc/resolv.conf")
    assert re.search(r"^nameserver 127\.0\.0\.11$", shown, re.MULTILINE)
    assert re.search(r"^search lab\.test$", shown, re.MULTILINE)
    assert re.search(r"^options .*ndots:0", shown, re.MULTILINE)
    hosts = docker.out("exec", "web", "cat", "/etc/hosts")
    short = docker.inspect("web")["Id"][:12]
    for line in ("127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "ff02::1\tip6-allnodes",
                 "ff02::2\tip6-allrouters", "10.1.2.3\textra", f"{address}\t{short}"):  # fmt: skip
        assert line in hosts.splitlines(), (line, hosts)
    docker.out("network", "create", "second")
    docker.out("network", "connect", "second", "web")
    second = docker.inspect("web")["NetworkSettings"]["Networks"]["second"]["IPAddress"]
    assert f"{second}\t{short}" in docker.out("exec", "web", "cat", "/etc/hosts")
    docker.out("network", "disconnect", "second", "web")
    assert second not in docker.out("exec", "web", "cat", "/etc/hosts")


def test_the_world_beyond(docker: Docker) -> None:
    start(docker, "web", "--network", "net")
    inside = Inside(docker.engine, "web")
    for tcp in (False, True):
        assert inside.addresses("google.com", tcp=tcp) == [GOOGLE]
        assert inside.addresses("google.com", "AAAA", tcp=tcp) == [GOOGLE6]
    assert "some text" in str(inside.ask("text.example.com", "TXT").rr[0].rdata)
    assert [str(record.rdata) for record in inside.ask("46.74.250.142.in-addr.arpa", "PTR").rr] == ["google.com."]
    assert len(inside.addresses("large.example.com", tcp=True)) == 100
    assert inside.ask("large.example.com").header.tc == 1
    assert docker.out("exec", "web", "wget", "-qO-", "http://google.com/") == docker.engine.host.outer[0]


def test_own_name_servers(docker: Docker) -> None:
    """A container's --dns is asked from inside its own namespace, and answered for its own names first."""
    address = start(docker, "db", "--network", "net")
    start(docker, "web", "--network", "net", "--dns", "203.0.113.53", "--dns", "8.8.8.8")
    inside = Inside(docker.engine, "web")
    assert inside.addresses("db") == [address]
    assert eventually(lambda: inside.addresses("google.com") == [GOOGLE])
    start(docker, "plain", "--dns", "8.8.8.8", "--dns-option", "timeout:1")
    shown = docker.out("exec", "plain", "cat", "/etc/resolv.conf")
    assert "nameserver 8.8.8.8" in shown
    assert "options timeout:1" in shown


def test_port_53_is_the_containers(docker: Docker) -> None:
    start(docker, "db", "--network", "net")
    inside = Inside(docker.engine, "db")
    with inside.serve_udp(53), inside.udp() as asking:
        asking.sendto(b"mine", ("127.0.0.1", 53))
        assert asking.recv(100) == b"mine"
        assert inside.addresses("db") != []


def test_stopped_containers_lose_their_names(docker: Docker) -> None:
    start(docker, "db", "--network", "net")
    start(docker, "web", "--network", "net")
    inside = Inside(docker.engine, "web")
    assert inside.addresses("db")
    docker.out("stop", "-t", "0", "db")
    assert inside.addresses("db") == []
    docker.out("start", "db")
    assert inside.addresses("db")


def test_internal_networks_know_nobody_outside(docker: Docker) -> None:
    docker.out("network", "create", "--internal", "closed")
    address = start(docker, "db", "--network", "closed")
    start(docker, "web", "--network", "closed")
    inside = Inside(docker.engine, "web")
    assert inside.addresses("db") == [address]
    assert docker("exec", "web", "ping", "-c", "1", "-w", "2", GOOGLE).returncode != 0


def test_generated_names(docker: Docker) -> None:
    identity = docker.out("run", "-d", "--network", "net", "busybox", "top")
    name = docker.inspect(identity)["Name"].lstrip("/")
    assert re.fullmatch(r"[a-z]+_[a-z]+\d?", name)
    start(docker, "other", "--network", "net")
    # 20.10 hides generated names from the network.
    assert docker.engine.reference or Inside(docker.engine, "other").addresses(name)


@pytest.mark.reference_only("--link")
def test_links_are_one_containers_own(docker: Docker) -> None:
    address = start(docker, "db", "--network", "net")
    start(docker, "web", "--network", "net", "--link", "db:friend")
    start(docker, "other", "--network", "net")
    assert Inside(docker.engine, "web").addresses("friend") == [address]
    assert Inside(docker.engine, "other").addresses("friend") == []
