"""Somebody flushes the ruleset: ours comes back at once and the engine says so; others' tables are left alone."""

from __future__ import annotations

import json
import re
import time

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.inside import Inside
from rig.internet import GOOGLE
from rig.leftovers import ruleset

pytestmark = pytest.mark.weft_only("it does not notice")

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")
FOREIGN = (
    "table inet foreign {\n\tchain input {\n\t\ttype filter hook input priority filter + 7; policy accept;\n\t}\n}"
)


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
    before = ruleset(engine)
    since = str(time.time() - 0.001)
    host.run(["nft", "flush", "ruleset"])
    eventually(lambda: host.reaches(host.outer[0], 8080, timeout=0.2), timeout=1)
    eventually(lambda: inside.reaches(GOOGLE, timeout=0.2), timeout=1)
    assert inside.addresses("google.com") == [GOOGLE]
    assert not stranger.reaches(docker.inspect("web")["NetworkSettings"]["Networks"]["net"]["IPAddress"])
    eventually(lambda: _same(ruleset(engine), before))
    told = docker.lines("events", "--since", since, "--until", str(time.time() + 0.1), "--format", "{{json .}}")
    assert any(re.search("nft|firewall|ruleset", json.dumps(json.loads(line))) for line in told)


def test_one_table_deleted(engine: Engine) -> None:
    docker, host = Docker(engine), engine.host
    docker.out("run", "-d", "--name", "web", "--hostname", "web", "-p", "8080:80", *WEB)
    eventually(lambda: host.reaches(host.outer[0], 8080))
    for line in host.output("nft", "list", "tables").splitlines():
        if "weft" in line:
            host.run(["nft", "delete", *line.split()])
    eventually(lambda: host.reaches(host.outer[0], 8080, timeout=0.2), timeout=1)


def test_the_tables_of_others_are_left_alone(engine: Engine) -> None:
    docker, host = Docker(engine), engine.host
    host.run(["nft", "-f", "-"], stdin=FOREIGN)
    try:
        docker.out("network", "create", "net")
        docker.out("run", "-d", "--name", "web", "--network", "net", "-p", "8080:80", *WEB)
        docker.out("rm", "-f", "web")
        docker.out("network", "rm", "net")
        assert host.output("nft", "list", "table", "inet", "foreign") == FOREIGN
    finally:
        host.run(["nft", "delete", "table", "inet", "foreign"])
