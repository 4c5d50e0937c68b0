"""Health checks while the daemon dies: what is known stays known, probing goes on, nothing hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.lab import Lab

pytestmark = pytest.mark.weft_only("its containers end with the daemon")

MANY = 12  # more than the event loop's own pool of threads has for all its work


@pytest.fixture(scope="module")
def health_engine(lab: Lab) -> Iterator[Engine]:
    """One engine for the module."""
    engine = lab.engine("weft")
    yield engine
    engine.host.close()


@pytest.fixture
def docker(health_engine: Engine) -> Iterator[Docker]:
    """The CLI on it; it is emptied afterwards."""
    yield Docker(health_engine)
    if health_engine.daemon is not None and not health_engine.daemon.running:
        health_engine.start()
    health_engine.sweep()


def health(docker: Docker, name: str) -> Any:
    """State.Health of a container."""
    return docker.inspect(name)["State"]["Health"]


def run(docker: Docker, name: str, command: str, *flags: str) -> None:
    """Start a container that is checked."""
    docker.out("run", "-d", "--name", name, "--health-cmd", command, *flags, "busybox", "top")


def sleepers(docker: Docker, name: str) -> list[str]:
    """The probes that hang in a container."""
    return [line for line in docker.lines("top", name) if "sleep 4567" in line]


def test_health_over_a_crash(docker: Docker) -> None:
    engine = docker.engine
    often = ("--health-interval", "100ms")
    run(docker, "well", "true", *often)
    run(docker, "ill", "false", *often, "--health-retries", "2")
    run(docker, "frozen", "true", *often)
    run(docker, "hung", "sleep 4567", *often, "--health-timeout", "1s")
    run(
        docker,
        "rare",
        "true",
        "--health-interval",
        "1h",
        "--health-start-period",
        "1h",
        "--health-start-interval",
        "1s",
    )
    for name, status in {"well": "healthy", "ill": "unhealthy", "frozen": "healthy", "rare": "healthy"}.items():
        eventually(lambda n=name, s=status: health(docker, n)["Status"] == s, timeout=30)  # type: ignore[misc]
    docker.out("pause", "frozen")
    eventually(lambda: sleepers(docker, "hung"), timeout=30)
    engine.kill()
    engine.start()
    known = {name: health(docker, name) for name in ("well", "ill", "frozen", "rare")}
    assert {name: one["Status"] for name, one in known.items()} == {
        "well": "healthy",
        "ill": "unhealthy",
        "frozen": "unhealthy",
        "rare": "healthy",
    }
    eventually(lambda: health(docker, "well")["Log"][-1]["Start"] > known["well"]["Log"][-1]["Start"], timeout=30)
    docker.out("exec", "ill", "true")
    assert health(docker, "frozen") == known["frozen"]
    assert health(docker, "rare") == known["rare"]
    docker.out("unpause", "frozen")
    eventually(lambda: health(docker, "frozen")["Status"] == "healthy", timeout=30)
    # the probe that the former daemon left is ended by its supervisor; what remains is this daemon's own
    docker.out("stop", "-t", "0", "well", "ill")
    eventually(lambda: health(docker, "hung")["FailingStreak"] >= 2, timeout=30)
    assert len(sleepers(docker, "hung")) <= 1


def test_a_hung_probe_is_ended_without_a_daemon(docker: Docker) -> None:
    engine = docker.engine

    def supervised() -> bool:
        return any("--exec-process-spec" in command for command in engine.host.processes().values())

    run(docker, "hung", "sleep 4567", "--health-interval", "100ms", "--health-timeout", "1s")
    eventually(supervised, timeout=30)
    engine.kill()
    eventually(lambda: not supervised(), timeout=30)


def test_hung_probes_take_no_threads_and_hold_nothing_up(docker: Docker) -> None:
    daemon = docker.engine.daemon
    assert daemon is not None
    names = [f"c{number}" for number in range(MANY)]
    for name in names:
        run(docker, name, "sleep 4567", "--health-interval", "100ms", "--health-timeout", "10m")
    for name in names:
        eventually(lambda n=name: sleepers(docker, n), timeout=30)  # type: ignore[misc]
    threads = [task.joinpath("comm").read_text().strip() for task in Path(f"/proc/{daemon.pid}/task").iterdir()]
    assert len(threads) < MANY, threads
    docker.out("exec", names[0], "true")
    docker.out("stop", "-t", "0", *names)
    docker.out("rm", *names)


def test_a_hung_probe_holds_up_no_daemon_that_stops(docker: Docker) -> None:
    run(docker, "hung", "sleep 4567", "--health-interval", "100ms", "--health-timeout", "10m")
    eventually(lambda: sleepers(docker, "hung"), timeout=30)
    docker.engine.restart()
    assert docker.inspect("hung")["State"]["Running"]
    eventually(lambda: len(sleepers(docker, "hung")) == 1, timeout=30)
