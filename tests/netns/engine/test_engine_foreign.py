"""Firewalls of others beside Weft's table: named, never touched; damage to ours is repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.docker import Docker
from rig.engine import DockerEngine, Engine, MakeEngine
from rig.eventually import eventually
from rig.inside import Inside
from rig.internet import GOOGLE, Internet
from rig.leftovers import ruleset

pytestmark = pytest.mark.weft_only("it makes such rules itself")

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")
RULESETS = Path(__file__).parents[2] / "rulesets"


@pytest.fixture
def docker(engine: Engine) -> Iterator[Docker]:
    """The shared engine, whose host has no other firewall before and after."""
    yield Docker(engine)
    for family, table in _tables(engine):
        if (family, table) != ("inet", "weft"):
            engine.host.run(["nft", "delete", "table", family, table])
    eventually(lambda: warnings(Docker(engine)) == [])


def _tables(engine: Engine) -> list[tuple[str, str]]:
    lines = engine.host.output("nft", "list", "tables").splitlines()
    return [(words[1], words[2]) for line in lines if (words := line.split())]


def warnings(docker: Docker) -> list[str]:
    found = docker.engine.api.need("GET", "/info")["Warnings"] or []
    return [line for line in found if "stops" in line]


def web(docker: Docker, name: str, *flags: str) -> str:
    """Run a web server; return what the CLI wrote to standard error."""
    done = docker("run", "-d", "--name", name, "--hostname", name, *flags, *WEB)
    assert done.returncode == 0, done.stderr
    eventually(lambda: Inside(docker.engine, name).reaches("127.0.0.1"))
    return done.stderr


def _silent(docker: Docker) -> bool:
    assert warnings(docker) == []
    return True


def load_ufw(engine: Engine) -> None:
    for program in ("iptables", "ip6tables"):
        text = (RULESETS / f"ufw.{program}").read_text()
        engine.host.run([f"{program}-nft-restore", "--noflush"], stdin=text)


def test_nothing_is_said_where_nothing_stands_in_the_way(docker: Docker) -> None:
    assert warnings(docker) == []
    assert "WARNING" not in web(docker, "one", "-p", "8080:80")


def test_ufw(docker: Docker, internet: Internet) -> None:
    engine = docker.engine
    web(docker, "before", "-p", "8080:80")
    inside = Inside(engine, "before")
    assert inside.reaches(GOOGLE)
    load_ufw(engine)
    lines = eventually(lambda: warnings(docker))
    assert any("policy drop of chain FORWARD of table ip filter stops what docker0 sends out" in line for line in lines)
    assert any(line.endswith("ufw route allow out on docker0") for line in lines)
    assert not internet.host.reaches(engine.host.outer[0], 8080)  # as it says
    said = web(docker, "one", "-p", "8081:80")
    assert "WARNING: the policy drop of chain FORWARD of table ip filter stops" in said
    assert "ufw route allow" in engine.log.read_text()
    # what ufw does on `ufw route allow in on docker0` and `out`
    for side in ("-i", "-o"):
        engine.host.run(["iptables-nft", "-A", "ufw-user-forward", side, "docker0", "-j", "ACCEPT"])
    (line,) = eventually(lambda: lines if len(lines := warnings(docker)) == 1 else [])
    assert internet.host.reaches(engine.host.outer[0], 8080)
    assert inside.reaches(GOOGLE)
    assert "policy drop of chain INPUT of table ip6 filter stops connections over IPv6" in line
    assert not internet.host.reaches(engine.host.outer[1], 8080)
    allowed = line.split("write ")[1].split(" into /etc/ufw/before6.rules")[0]
    engine.host.run(["ip6tables-nft", *allowed.split()])
    eventually(lambda: warnings(docker) == [])
    assert internet.host.reaches(engine.host.outer[1], 8080)


@pytest.mark.parametrize(
    ("rules", "out", "enters"),
    [
        (["-m conntrack --ctstate DNAT,ESTABLISHED -j ACCEPT"], False, True),
        (["-i docker0 -m conntrack --ctstate NEW -j ACCEPT", "-m state --state ESTABLISHED -j ACCEPT"], True, False),
        (["-m conntrack ! --ctstate INVALID -j ACCEPT"], True, True),
        (["-m addrtype ! --dst-type LOCAL -m conntrack --ctstate NEW -j REJECT", "-j ACCEPT"], False, False),
    ],
    ids=["translated", "from containers", "what is valid", "rejected"],
)
def test_what_extensions_of_iptables_ask(
    docker: Docker, internet: Internet, rules: list[str], out: bool, enters: bool
) -> None:
    """What is said is what happens, also where nft hides what a rule asks."""
    engine = docker.engine
    web(docker, "one", "-p", "8080:80")
    for rule in rules:
        engine.host.run(["iptables-nft", "-A", "FORWARD", *rule.split()])
    engine.host.run(["iptables-nft", "-P", "FORWARD", "DROP"])
    assert Inside(engine, "one").reaches(GOOGLE) is out
    assert internet.host.reaches(engine.host.outer[0], 8080) is enters

    def said() -> bool:
        lines = warnings(docker)
        stops_out, stops_in = (any(word in line for line in lines) for word in ("docker0 sends out", "behind docker0"))
        return (stops_out, stops_in) == (not out, not enters)

    eventually(said)


def test_ufw_reloads(docker: Docker, internet: Internet) -> None:
    engine = docker.engine
    load_ufw(engine)
    web(docker, "one", "-p", "8080:80")
    for side in ("-i", "-o"):
        engine.host.run(["iptables-nft", "-I", "FORWARD", side, "docker0", "-j", "ACCEPT"])
    before = ruleset(engine, "table", "inet", "weft")
    for _ in range(3):
        engine.host.run(["iptables-nft", "-F", "ufw-before-forward"])
        load_ufw(engine)
    for side in ("-i", "-o"):
        engine.host.run(["iptables-nft", "-I", "FORWARD", side, "docker0", "-j", "ACCEPT"])
    assert internet.host.reaches(engine.host.outer[0], 8080)
    assert ruleset(engine, "table", "inet", "weft") == before


def test_firewalld(docker: Docker, internet: Internet) -> None:
    engine = docker.engine
    web(docker, "one", "-p", "8080:80")
    engine.host.run(["nft", "-f", "-"], stdin=(RULESETS / "firewalld.nft").read_text())
    (line,) = eventually(lambda: warnings(docker))
    assert "(reject) in chain filter_FWD_public of table inet firewalld stops what docker0 sends out" in line
    assert "firewall-cmd --permanent --zone=trusted --add-interface=docker0" in line
    assert internet.host.reaches(engine.host.outer[0], 8080)  # what is translated it lets in
    assert not Inside(engine, "one").reaches(GOOGLE)
    # a reload makes its table anew
    engine.host.run(["nft", "delete", "table", "inet", "firewalld"])
    engine.host.run(["nft", "-f", "-"], stdin=(RULESETS / "firewalld.nft").read_text())
    assert internet.host.reaches(engine.host.outer[0], 8080)
    assert eventually(lambda: warnings(docker)) == [line]


def test_a_policy_that_was_there_before(make_engine: MakeEngine) -> None:
    engine = make_engine(start=False)
    engine.host.run(["iptables-nft", "-P", "FORWARD", "DROP"])
    engine.start()
    docker = Docker(engine)
    lines = warnings(docker)
    assert lines[0].endswith("iptables -I FORWARD -i docker0 -j ACCEPT")
    assert "policy drop of chain FORWARD" in engine.log.read_text()
    assert "FORWARD" in docker("info").stderr


def test_dockerd_in_the_same_host(make_engine: MakeEngine, internet: Internet) -> None:
    engine = make_engine({"bridge": "weft0"}, start=False)
    engine.host.run(["ip", "link", "add", "weft0", "type", "bridge"])
    engine.host.run(["ip", "address", "add", "10.77.0.1/24", "dev", "weft0"])
    engine.host.run(["ip", "link", "set", "weft0", "up"])
    engine.host.sysctl(net__ipv4__ip_forward=0)
    neighbour = DockerEngine(engine.host, name="neighbour")
    neighbour.start()  # first, since it sets the policy where it turns forwarding on itself
    engine.start()
    docker = Docker(engine)
    web(docker, "one", "-p", "8080:80")
    assert not internet.host.reaches(engine.host.outer[0], 8080)
    lines = warnings(docker)
    assert any("policy drop of chain FORWARD of table ip filter" in line and "weft0" in line for line in lines)
    for side in ("-i", "-o"):
        engine.host.run(["iptables-nft", "-I", "DOCKER-USER", side, "weft0", "-j", "ACCEPT"])
    eventually(lambda: _silent(docker))
    assert internet.host.reaches(engine.host.outer[0], 8080)
    neighbour.stop()


@pytest.mark.parametrize(
    "damage",
    [
        ["flush", "table", "inet", "weft"],
        ["flush", "chain", "inet", "weft", "publish4"],
        ["delete", "chain", "inet", "weft", "forward"],
    ],
    ids=" ".join,
)
def test_damage_to_our_table_is_repaired(docker: Docker, damage: list[str]) -> None:
    engine = docker.engine
    web(docker, "one", "-p", "8080:80")
    before = ruleset(engine, "table", "inet", "weft")
    engine.host.run(["nft", *damage])
    eventually(lambda: ruleset(engine, "table", "inet", "weft") == before)
    assert engine.host.reaches(engine.host.outer[0], 8080)
