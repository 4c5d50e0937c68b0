"""What takes room, and what prune gives back: the same on the reference engine."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually

FILL = "head -c {} /dev/zero >{}"


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def usage(engine: Engine, query: str = "") -> Any:
    """The answer of GET /system/df."""
    return engine.api.need("GET", f"/system/df{query}")


@pytest.fixture
def full(docker: Docker) -> Docker:
    """Two containers on a volume, one of them with files of its own, and a volume that nobody uses."""
    docker.out("volume", "create", "idle")
    script = f"{FILL.format(3_000_000, '/data/file')}; ln /data/file /data/same; {FILL.format(2_000_000, '/own')}"
    docker.out("run", "--name", "one", "-v", "data:/data", "busybox", "sh", "-c", script)
    docker.out("run", "-d", "--name", "two", "-v", "data:/data", "busybox", "top")
    docker.out("run", "--rm", "-v", "idle:/data", "busybox", "sh", "-c", FILL.format(1_000_000, "/data/file"))
    return docker


def test_usage(full: Docker, engine: Engine) -> None:
    found = usage(engine)
    assert found.keys() == {"LayersSize", "Images", "Containers", "Volumes", "BuildCache", "BuilderSize"}
    assert (found["BuildCache"] or [], found["BuilderSize"]) == ([], 0)
    volumes = {volume["Name"]: volume["UsageData"] for volume in found["Volumes"]}
    assert volumes == {
        "data": {"Size": 3_000_000, "RefCount": 2},
        "idle": {"Size": 1_000_000, "RefCount": 0},
    }
    containers = {container["Names"][0]: container for container in found["Containers"]}
    assert containers["/one"]["SizeRw"] == 2_000_000
    assert containers["/one"]["SizeRootFs"] > 2_000_000
    assert "SizeRw" not in containers["/two"]
    images = {image["RepoTags"][0]: image for image in found["Images"]}
    busybox, alpine = images["busybox:latest"], images["alpine:latest"]
    assert (busybox["Containers"], alpine["Containers"]) == (2, 0)
    assert 0 <= busybox["SharedSize"] <= busybox["Size"] <= found["LayersSize"]
    assert found["LayersSize"] <= sum(image["Size"] for image in images.values())


@pytest.mark.weft_only("API 1.42")
def test_parts(full: Docker, engine: Engine) -> None:
    assert usage(engine, "?type=volume").keys() == {"Volumes"}
    assert usage(engine, "?type=container&type=image").keys() == {"Containers", "Images", "LayersSize"}


def test_the_command(full: Docker) -> None:
    rows = {row["Type"]: row for row in map(json.loads, full.lines("system", "df", "--format", "{{json .}}"))}
    assert rows["Containers"] == {
        "Type": "Containers",
        "TotalCount": "2",
        "Active": "1",
        "Size": "2MB",
        "Reclaimable": "2MB (100%)",
    }
    assert (rows["Local Volumes"]["Size"], rows["Local Volumes"]["Reclaimable"]) == ("4MB", "1MB (25%)")
    assert rows["Local Volumes"]["Active"] == "1"
    assert rows["Build Cache"]["Size"] == "0B"
    shown = full.out("system", "df", "-v")
    assert sorted(line.split() for line in shown.splitlines() if line.startswith(("data ", "idle "))) == [
        ["data", "2", "3MB"],
        ["idle", "0", "1MB"],
    ]


@pytest.mark.weft_only("of weft's own command")
def test_weft_says_the_same(full: Docker, engine: Engine) -> None:
    weft = Docker(engine, str(Path(sys.executable).with_name("weft")))
    assert weft.out("system", "df") == full.out("system", "df")
    assert weft.lines("system", "df", "-v")[-8:] == full.lines("system", "df", "-v")[-8:]


@pytest.mark.weft_only("it fails when a file vanishes")
def test_files_that_come_and_go(docker: Docker, engine: Engine) -> None:
    script = "while :; do for i in 1 2 3 4 5 6 7 8 9; do echo >/tmp/$i; done; rm /tmp/*; done"
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", script)
    eventually(lambda: docker("exec", "one", "test", "-e", "/tmp/1").returncode == 0)
    for _ in range(30):
        assert len(usage(engine)["Containers"]) == 1
        assert "one" in docker.out("ps", "-s", "--format", "{{.Names}}")


def test_prune_everything(full: Docker, engine: Engine) -> None:
    full.out("network", "create", "net")
    full.out("run", "-d", "--name", "kept", "--label", "keep=1", "busybox", "true")
    eventually(lambda: full.inspect("kept")["State"]["Status"] == "exited")
    shown = full.out("system", "prune", "-f", "--filter", "label!=keep")
    assert "Deleted Containers:" in shown
    assert "Deleted Networks:\nnet" in shown
    assert "Total reclaimed space: 2MB" in shown
    assert {line.split()[-1] for line in full.lines("ps", "-a")[1:]} == {"two", "kept"}
    assert full.lines("volume", "ls", "-q") == ["data", "idle"]
    full.out("volume", "create", "--label", "keep", "labelled")
    shown = full.out("system", "prune", "-a", "-f", "--volumes", "--filter", "label!=keep")
    assert "untagged: alpine:latest" in shown
    assert "labelled" in full.lines("volume", "ls", "-q")
    assert full.lines("images", "--format", "{{.Repository}}:{{.Tag}}") == ["busybox:latest"]
    assert engine.api.post("/images/create?fromImage=alpine&tag=latest").status == 200
    assert engine.api.post("/images/create?fromImage=nginx&tag=latest").status == 200


def answers(engine: Engine, noun: str, filters: dict[str, list[str]]) -> tuple[int, str]:
    """Status and error text of a prune."""
    answer = engine.api.post(f"/{noun}/prune?filters={json.dumps(filters, separators=(',', ':'))}")
    return answer.status, "" if answer.status == 200 else answer.message


@pytest.mark.parametrize("noun", ["containers", "images", "networks", "volumes"])
def test_filters_that_are_refused(engine: Engine, noun: str) -> None:
    status, message = answers(engine, noun, {"nonsense": ["1"]})
    assert (status, "nvalid filter 'nonsense" in message) == (400, True)
    status, message = answers(engine, noun, {"until": ["yesterday"]})
    assert status == (400 if noun == "volumes" or not engine.reference else status)
    assert status >= 400
    assert answers(engine, noun, {"label": ["none=of=these"]}) == (200, "")


def test_until(docker: Docker, engine: Engine) -> None:
    docker.out("run", "--name", "one", "busybox", "true")
    docker.out("network", "create", "net")
    old = {"until": ["1h"]}
    assert answers(engine, "containers", old) == answers(engine, "networks", old) == (200, "")
    assert "one" in docker.lines("ps", "-a", "--format", "{{.Names}}")
    assert "net" in docker.lines("network", "ls", "--format", "{{.Name}}")
    status, message = answers(engine, "volumes", old)
    assert (status, message.lower()) == (400, "invalid filter 'until'")
    for noun in ("containers", "networks"):
        assert answers(engine, noun, {"until": [str(int(time.time()) + 5)]}) == (200, "")
    assert docker.lines("ps", "-aq") == []
    assert "net" not in docker.lines("network", "ls", "--format", "{{.Name}}")
