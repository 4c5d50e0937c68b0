"""`docker ps`: every filter, formats, sizes."""

from __future__ import annotations

import json
import re

import pytest

from rig.docker import Docker
from rig.eventually import eventually


@pytest.fixture
def crowd(docker: Docker) -> dict[str, str]:
    """Six containers in different states -> their ids."""
    docker.out("network", "create", "net")
    docker.out("volume", "create", "vol")
    run = ("run", "-d", "--name")
    ids = {
        "web": docker.out(*run, "web", "--network", "net", "-p", "8080:80", "-l", "tier=front", "busybox", "top"),
        "db": docker.out(*run, "db", "--network", "net", "-v", "vol:/data", "-l", "tier=back", "busybox", "top"),
        "paused": docker.out(*run, "paused", "--expose", "99", "busybox", "top"),
        "made": docker.out("create", "--name", "made", "-l", "plain", "busybox"),
        "failed": docker.out(*run, "failed", "busybox", "sh", "-c", "exit 3"),
        "done": docker.out(*run, "done", "alpine", "true"),
    }
    docker.out("pause", "paused")
    docker.out("wait", "failed", "done")
    eventually(lambda: docker.inspect("done")["State"]["Status"] == "exited")
    return ids


def names(docker: Docker, *flags: str) -> set[str]:
    """The names `docker ps` prints with these flags."""
    return set(docker.lines("ps", "--format", "{{.Names}}", *flags))


def test_filters(docker: Docker, crowd: dict[str, str]) -> None:
    everything = set(crowd)
    assert names(docker) == {"web", "db", "paused"}
    assert names(docker, "-a") == everything
    expected: dict[str, set[str]] = {
        f"id={crowd['web'][:12]}": {"web"},
        "name=a": {"paused", "made", "failed"},
        "name=^/web$": {"web"},
        "label=tier": {"web", "db"},
        "label=tier=back": {"db"},
        "exited=0": {"done"},
        "exited=3": {"failed"},
        "status=running": {"web", "db"},
        "status=paused": {"paused"},
        "status=created": {"made"},
        "status=exited": {"failed", "done"},
        "ancestor=alpine": {"done"},
        "ancestor=busybox": everything - {"done"},
        "before=db": {"web"},
        "since=failed": {"done"},
        "volume=vol": {"db"},
        "volume=/data": {"db"},
        "network=net": {"web", "db"},
        "network=bridge": everything - {"web", "db"},
        "publish=8080": {"web"},
        "publish=8000-8100/tcp": {"web"},
        "publish=8080/udp": set(),
        "expose=99": {"paused"},
        "expose=90-100": {"paused"},
        "health=none": everything,
        "is-task=false": everything,
    }
    found = {one: names(docker, "-a", "--filter", one) for one in expected}
    assert found == expected
    assert names(docker, "-a", "-f", "label=tier", "-f", "status=running") == {"web", "db"}
    assert names(docker, "-a", "-f", "status=paused", "-f", "status=created") == {"paused", "made"}
    assert names(docker, "-a", "-f", "label=tier=front", "-f", "label=tier=back") == set()


def test_wrong_filters(docker: Docker, crowd: dict[str, str]) -> None:
    assert re.search(r"[Ii]nvalid filter '?nonsense", docker.fails("ps", "--filter", "nonsense=1"))
    assert "nonsense" in docker.fails("ps", "--filter", "status=nonsense")
    assert re.search("[Nn]o such container:? nobody", docker.fails("ps", "--filter", "before=nobody"))


def test_columns_and_formats(docker: Docker, crowd: dict[str, str]) -> None:
    rows = docker.lines("ps", "-a", "--no-trunc")
    assert re.split(r"\s{2,}", rows[0].strip()) == [
        "CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"
    ]  # fmt: skip
    assert [row.split()[0] for row in rows[1:]] == list(reversed(crowd.values()))
    web = docker.out(
        "ps", "-f", "name=web", "--format", "{{.ID}} {{.Image}} {{.Command}} {{.Ports}} {{.Networks}} {{.Labels}}"
    )
    assert re.fullmatch(
        rf'{crowd["web"][:12]} busybox "top" 0\.0\.0\.0:8080->80/tcp(, (\[::\]|::):8080->80/tcp)? net tier=front', web
    )
    status = dict(line.split(" ", 1) for line in docker.lines("ps", "-a", "--format", "{{.Names}} {{.Status}}"))
    assert status["made"] == "Created"
    assert status["paused"].endswith("(Paused)")
    assert status["failed"].startswith("Exited (3) ")
    assert status["web"].startswith("Up ")
    one = json.loads(docker.out("ps", "-f", "name=db", "--format", "{{json .}}"))
    assert (one["Names"], one["Mounts"], one["State"]) == ("db", "vol", "running")
    assert docker.out("ps", "-q", "-f", "name=paused") == crowd["paused"][:12]
    assert docker.lines("ps", "-a", "-n", "2", "--format", "{{.Names}}") == ["done", "failed"]
    assert docker.out("ps", "-l", "--format", "{{.Names}}") == "done"


def test_sizes(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "head -c 3000000 /dev/zero >/file; sleep 100")
    eventually(lambda: "3MB (virtual" in docker.out("ps", "-s", "--format", "{{.Size}}"))
    sizes = docker.out("inspect", "-s", "-f", "{{.SizeRw}} {{.SizeRootFs}}", "one").split()
    assert 3_000_000 <= int(sizes[0]) < int(sizes[1])


def test_port_command(docker: Docker, crowd: dict[str, str]) -> None:
    assert docker.lines("port", "web")[0] == "80/tcp -> 0.0.0.0:8080"
    assert docker.lines("port", "web", "80")[0] == "0.0.0.0:8080"
    assert "no public port '81" in docker.fails("port", "web", "81").lower()
