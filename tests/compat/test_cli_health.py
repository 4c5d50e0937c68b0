"""Health checks as their users see them: run's flags, inspect, ps, events; the same on the reference engine."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.image import BUSYBOX_CONFIG, busybox_layer, write_archive

QUICK = ("--health-interval", "100ms", "--health-retries", "2")


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def health(docker: Docker, name: str = "one") -> Any:
    """State.Health of a container, None where it has none."""
    return docker.inspect(name)["State"].get("Health")


def becomes(docker: Docker, status: str, name: str = "one") -> Any:
    """Wait for a container's health and return State.Health."""
    return eventually(lambda: (known := health(docker, name))["Status"] == status and known, timeout=30, pause=0.1)


def statuses(docker: Docker) -> dict[str, str]:
    """What ps says of each container."""
    return dict(line.split(" ", 1) for line in docker.lines("ps", "-a", "--format", "{{.Names}} {{.Status}}"))


def test_a_container_falls_ill_and_recovers(docker: Docker) -> None:
    flags = ("--restart", "always", "--health-cmd", "test -e /ok", *QUICK)
    docker.out("run", "-d", "--name", "one", *flags, "busybox", "top")
    docker.out("run", "-d", "--name", "slow", "--health-cmd", "true", "--health-interval", "1h", "busybox", "top")
    docker.out("run", "-d", "--name", "bare", "busybox", "top")
    ill = becomes(docker, "unhealthy")
    assert ill["FailingStreak"] >= 2
    assert (ill["Log"][0]["ExitCode"], ill["Log"][0]["Output"]) == (1, "")
    assert ill["Log"][0]["Start"] < ill["Log"][0]["End"]
    assert health(docker, "slow") == {"Status": "starting", "FailingStreak": 0, "Log": []}
    assert health(docker, "bare") is None
    shown = statuses(docker)
    assert re.fullmatch(r"Up .* \(unhealthy\)", shown["one"])
    assert re.fullmatch(r"Up .* \(health: starting\)", shown["slow"])
    assert re.fullmatch(r"Up [^()]*", shown["bare"])
    docker.out("exec", "one", "touch", "/ok")
    assert becomes(docker, "healthy")["FailingStreak"] == 0
    assert re.fullmatch(r"Up .* \(healthy\)", statuses(docker)["one"])
    found = {
        wanted: docker.lines("ps", "-a", "--filter", f"health={wanted}", "--format", "{{.Names}}")
        for wanted in ("starting", "healthy", "unhealthy", "none")
    }
    assert found == {"starting": ["slow"], "healthy": ["one"], "unhealthy": [], "none": ["bare"]}
    assert docker.inspect("one")["RestartCount"] == 0
    eventually(lambda: len(health(docker)["Log"]) == 5)


def test_events(docker: Docker) -> None:
    begun = time.time()
    flags = ("--health-cmd", "test -e /ok", "--health-interval", "300ms", "--health-retries", "1")
    docker.out("run", "-d", "--name", "one", *flags, "busybox", "top")
    becomes(docker, "unhealthy")
    docker.out("exec", "one", "touch", "/ok")
    becomes(docker, "healthy")
    docker.out("stop", "-t", "0", "one")
    span = ("--since", f"{begun:.6f}", "--until", f"{time.time():.6f}")
    lines = docker.lines("events", *span, "--filter", "container=one", "--format", "{{json .}}")
    events = [(event["Action"], event["Actor"]["Attributes"]) for event in map(json.loads, lines)]
    changes = [action for action, _ in events if "health_status" in action]
    assert changes == ["health_status: unhealthy", "health_status: healthy"]
    first = next(attributes["execID"] for action, attributes in events if action.startswith("exec_create"))
    probe = [(action, attributes) for action, attributes in events if attributes.get("execID") == first]
    command = "/bin/sh -c test -e /ok"
    assert [action for action, _ in probe] == [f"exec_create: {command}", f"exec_start: {command}", "exec_die"]
    assert probe[-1][1]["exitCode"] == "1"


def test_a_probe_that_hangs(docker: Docker) -> None:
    flags = ("--health-cmd", "echo begun; sleep 4567; true", "--health-timeout", "300ms", *QUICK)
    docker.out("run", "-d", "--name", "one", *flags, "busybox", "sleep", "1234")
    found = becomes(docker, "unhealthy")
    assert found["Log"][0]["ExitCode"] == -1
    said = "" if docker.engine.reference else ": begun\n"  # since Docker 25
    assert found["Log"][0]["Output"] == f"Health check exceeded timeout (300ms){said}"
    if not docker.engine.reference:  # which kills the shell alone
        eventually(lambda: len(health(docker)["Log"]) == 5)
        assert docker.out("top", "one").count("sleep 4567") <= 2


def test_what_is_kept_of_the_output(docker: Docker) -> None:
    script = "yes | head -c 5000"
    docker.out("run", "-d", "--name", "one", "--health-cmd", script, *QUICK, "busybox", "top")
    assert becomes(docker, "healthy")["Log"][0]["Output"] == "y\n" * 2048 + "..."


def test_a_command_that_is_not_there(docker: Docker, engine: Engine) -> None:
    created = engine.api.need(
        "POST",
        "/containers/create?name=one",
        {
            "Image": "busybox",
            "Cmd": ["top"],
            "Healthcheck": {"Test": ["CMD", "nonesuch"], "Interval": 10**8, "Retries": 1},
        },
    )
    engine.api.need("POST", f"/containers/{created['Id']}/start")
    found = becomes(docker, "unhealthy")
    assert found["Log"][0]["ExitCode"] in (-1, 126, 127)
    assert "executable file not found" in found["Log"][0]["Output"]


def test_pause_stop_and_start(docker: Docker) -> None:
    docker.out(
        "run", "-d", "--name", "one", "--health-cmd", "test -e /ok", *QUICK, "busybox", "sh", "-c", "touch /ok; sleep 9"
    )
    assert docker.inspect("one")["Config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "test -e /ok"],
        "Interval": 10**8,
        "Retries": 2,
    }
    becomes(docker, "healthy")
    docker.out("pause", "one")
    frozen = eventually(lambda: (a := health(docker)) == health(docker) and a)
    assert frozen["Status"] == "unhealthy"
    assert re.fullmatch(r"Up .* \(Paused\)", statuses(docker)["one"])
    docker.out("run", "--rm", "busybox", "sleep", "0.5")
    assert health(docker) == frozen
    docker.out("unpause", "one")
    becomes(docker, "healthy")
    docker.out("stop", "-t", "0", "one")
    assert health(docker)["Status"] == "unhealthy"
    assert statuses(docker)["one"].startswith("Exited (137)")
    docker.out("start", "one")
    becomes(docker, "healthy")
    docker.out("restart", "-t", "0", "one")
    becomes(docker, "healthy")
    docker.out("kill", "one")
    assert docker.out("wait", "one") == "137"


def test_an_images_check(docker: Docker, engine: Engine, tmp_path: Path) -> None:
    check = {"Test": ["CMD", "test", "-e", "/bin/busybox"], "Interval": 10**8, "Timeout": 5 * 10**9, "Retries": 4}
    archive = tmp_path / "checked.tar"
    write_archive(archive, ["checked:1"], [busybox_layer()], {**BUSYBOX_CONFIG, "Healthcheck": check})
    docker.out("load", "-i", archive)
    try:
        assert docker.inspect("image", "checked:1")["Config"]["Healthcheck"] == check
        docker.out("run", "-d", "--name", "one", "checked:1", "top")
        docker.out("run", "-d", "--name", "two", "--health-retries", "9", "checked:1", "top")
        docker.out("run", "-d", "--name", "off", "--no-healthcheck", "checked:1", "top")
        assert docker.inspect("one")["Config"]["Healthcheck"] == check
        assert docker.inspect("two")["Config"]["Healthcheck"] == {**check, "Retries": 9}
        assert docker.inspect("off")["Config"]["Healthcheck"] == {**check, "Test": ["NONE"]}
        becomes(docker, "healthy")
        becomes(docker, "healthy", "two")
        assert health(docker, "off") is None
    finally:
        engine.sweep()
        docker.out("rmi", "checked:1")


def test_wait_and_rm_know_nothing_of_it(docker: Docker) -> None:
    done = docker("run", "--rm", "--health-cmd", "sleep 77", *QUICK, "busybox", "sh", "-c", "sleep 0.5; exit 3")
    assert done.returncode == 3
    assert docker.lines("ps", "-aq") == []


def test_refusals(docker: Docker, engine: Engine) -> None:
    short = docker.fails("create", "--health-cmd", "true", "--health-interval", "1us", "busybox")
    assert "Interval in Healthcheck cannot be less than 1ms" in short
    answer = engine.api.post(
        "/containers/create", {"Image": "busybox", "Healthcheck": {"Test": ["CMD", "x"], "Retries": -1}}
    )
    assert (answer.status, answer.message) == (400, "Retries in Healthcheck cannot be negative")
    assert "filter" in docker.fails("ps", "--filter", "health=fine")
