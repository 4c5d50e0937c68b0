"""Somebody flushes the ruleset: ours comes back at once and the engine says so; others' tables are left alone."""

from __future__ import annotations

import json
import time

import pytest
from agreement import agree

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.inside import Inside
from rig.internet import GOOGLE
from rig.leftovers import ruleset

pytestmark = pytest.mark.weft_only("it does not notice")

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")
FOREIGN = """table inet foreign {
	set bridges {
		type ipv4_addr
		elements = { 192.0.2.1 }
	}

	chain input {
		type filter hook input priority filter + 7; policy accept;
		ip saddr @bridges drop
	}
}"""


def _same(now: str, before: str) -> bool:
    assert now == before
    return True


def test_back_within_a_second(engine: Engine) -> None:
    docker, host = Docker(engine), engine.host
    docker.out("network", "create", "net")
    docker.out("network", "create", "other")
    docker.out("run", "-d", "--name", "web", "--hostname", "web", "--network", "net", "-p", "8080:80", *WEB)
    docker.out("run", "-d", "--name", "stranger", "--network", "other", "busybox", "top")
    inside, stranger = Inside(engine, "web"), Inside(engine, "stranger")
    eventually(lambda: host.reaches(host.outer[0], 8080))
    before = ruleset(engine, "table", "inet", "weft")
    since = str(time.time() - 0.001)
    host.run(["nft", "flush", "ruleset"])
    eventually(lambda: host.reaches(host.outer[0], 8080, timeout=0.2), timeout=3)
    eventually(lambda: inside.reaches(GOOGLE, timeout=0.2), timeout=3)
    assert inside.addresses("google.com") == [GOOGLE]
    assert not stranger.reaches(docker.inspect("web")["NetworkSettings"]["Networks"]["net"]["IPAddress"])
    eventually(lambda: _same(ruleset(engine, "table", "inet", "weft"), before))
    told = docker.lines("events", "--since", since, "--until", str(time.time() + 0.1), "--format", "{{json .}}")
    events = [json.loads(line) for line in told]
    assert ("daemon", "firewall-restored") in {(event["Type"], event["Action"]) for event in events}
    agree(engine)


def test_flushed_again_and_again(engine: Engine) -> None:
    """Each flush is noticed, also one that comes while the last is being put right, or containers start."""
    docker, host = Docker(engine), engine.host
    docker.out("network", "create", "net")
    for number in range(6):
        docker.out("run", "-d", "--network", "net", "-p", f"{8080 + number}:80", *WEB)
        for _ in range(number % 3 + 1):
            host.run(["nft", "flush", "ruleset"])
    eventually(lambda: all(host.reaches("127.0.0.1", 8080 + number, timeout=0.3) for number in range(6)))
    agree(engine)


def test_flushed_while_the_daemon_is_away(engine: Engine) -> None:
    docker, host = Docker(engine), engine.host
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--network", "net", "-p", "8080:80", *WEB)
    eventually(lambda: host.reaches("127.0.0.1", 8080))
    for leave in (engine.kill, engine.stop):
        leave()
        host.run(["nft", "flush", "ruleset"])
        assert not host.reaches("127.0.0.1", 8080, timeout=0.3)
        engine.start()
        assert host.reaches("127.0.0.1", 8080)
        agree(engine)


@pytest.mark.parametrize("done", ["delete", "flush"])
def test_one_table_deleted_or_emptied(engine: Engine, done: str) -> None:
    docker, host = Docker(engine), engine.host
    docker.out("run", "-d", "--name", "web", "--hostname", "web", "-p", "8080:80", *WEB)
    eventually(lambda: host.reaches(host.outer[0], 8080))
    before = ruleset(engine, "table", "inet", "weft")
    since = str(time.time() - 0.001)
    host.run(["nft", done, "table", "inet", "weft"])
    eventually(lambda: host.reaches(host.outer[0], 8080, timeout=0.2), timeout=3)
    eventually(lambda: _same(ruleset(engine, "table", "inet", "weft"), before))
    told = docker.lines("events", "--since", since, "--until", str(time.time()), "--filter", "event=firewall-restored")
    assert len(told) == 1


def test_the_tables_of_others_are_left_alone(engine: Engine) -> None:
    docker, host = Docker(engine), engine.host
    host.run(["nft", "-f", "-"], stdin=FOREIGN)
    try:
        docker.out("network", "create", "net")
        docker.out("run", "-d", "--name", "web", "--network", "net", "-p", "8080:80", *WEB)
        docker.out("rm", "-f", "web")
        docker.out("network", "rm", "net")
        for leave in (engine.kill, engine.stop):
            leave()
            assert host.output("nft", "list", "table", "inet", "foreign") == FOREIGN
            engine.start()
        assert host.output("nft", "list", "table", "inet", "foreign") == FOREIGN
        assert {line.split()[-1] for line in host.output("nft", "list", "tables").splitlines()} == {"weft", "foreign"}
    finally:
        host.run(["nft", "delete", "table", "inet", "foreign"])
