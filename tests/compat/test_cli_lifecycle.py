"""create, start, stop, kill, restart, pause, rename, rm, restart policies."""

from __future__ import annotations

import re
import time

import pytest

from rig.docker import Docker
from rig.eventually import eventually

OBEDIENT = "trap 'exit 0' TERM; while :; do sleep 0.05; done"


def state(docker: Docker, name: str, field: str = "Status") -> str:
    """One field of State as the template prints it."""
    return docker.out("inspect", "-f", "{{.State." + field + "}}", name)


def test_states_in_turn(docker: Docker) -> None:
    docker.out("create", "--name", "one", "busybox", "sh", "-c", OBEDIENT)
    assert state(docker, "one") == "created"
    docker.out("start", "one")
    assert state(docker, "one") == "running"
    docker.out("start", "one")
    docker.out("pause", "one")
    assert state(docker, "one") == "paused"
    assert "is paused" in docker.fails("exec", "one", "true")
    assert "is already paused" in docker.fails("pause", "one")
    docker.out("unpause", "one")
    assert "is not paused" in docker.fails("unpause", "one")
    docker.out("stop", "one")
    assert state(docker, "one") == "exited"
    docker.out("stop", "one")
    docker.out("start", "one")
    first = state(docker, "one", "Pid")
    docker.out("restart", "-t", "1", "one")
    assert state(docker, "one", "Pid") != first
    assert state(docker, "one") == "running"


def test_removal(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    refusal = docker.fails("rm", "one", status=1)
    assert re.search(r"cannot remove (a running )?container", refusal)
    assert "force" in refusal
    docker.out("rm", "-f", "one")
    assert "No such container: one" in docker.fails("rm", "one")
    assert docker.fails("inspect", "one").lower().startswith("error: no such object: one")


def test_stop_signal_and_timeout(docker: Docker) -> None:
    script = "trap 'echo usr1; exit 21' USR1; trap 'echo term; exit 22' TERM; echo up; while :; do sleep 0.05; done"
    docker.out("run", "-d", "--name", "one", "--stop-signal", "SIGUSR1", "busybox", "sh", "-c", script)
    eventually(lambda: "up" in docker.out("logs", "one"))
    docker.out("stop", "one")
    assert docker.out("logs", "one").endswith("usr1")
    assert state(docker, "one", "ExitCode") == "21"
    docker.out("run", "-d", "--name", "deaf", "--stop-timeout", "1", "busybox", "sleep", "1000")
    began = time.monotonic()
    docker.out("stop", "deaf")
    assert time.monotonic() - began >= 1
    assert state(docker, "deaf", "ExitCode") in ("137", "143")
    assert docker.inspect("deaf")["Config"]["StopTimeout"] == 1


def test_kill_with_a_signal(docker: Docker) -> None:
    script = "trap 'echo hup' HUP; echo up; while :; do sleep 0.05; done"
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", script)
    eventually(lambda: "up" in docker.out("logs", "one"))
    for name in ("HUP", "SIGHUP", "1"):
        docker.out("kill", "-s", name, "one")
        eventually(lambda: "hup" in docker.out("logs", "one"))
    assert state(docker, "one") == "running"
    assert "invalid signal: NOSUCH" in docker.fails("kill", "-s", "NOSUCH", "one").replace("Invalid", "invalid")
    docker.out("kill", "one")
    eventually(lambda: state(docker, "one") == "exited")
    assert re.search(r"[Cc]annot kill container: one: .*[0-9a-f]{64} is not running", docker.fails("kill", "one"))


def test_rename(docker: Docker) -> None:
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "top")
    docker.out("run", "-d", "--name", "two", "--network", "net", "busybox", "top")
    docker.out("rename", "one", "uno")
    assert docker.out("inspect", "-f", "{{.Name}}", "uno") == "/uno"
    assert "No such container: one" in docker.fails("rename", "one", "other")
    assert re.search(
        r'The container name "/two" is already in use by container "?[0-9a-f]{64}', docker.fails("rename", "uno", "two")
    )
    assert "Invalid container name" in docker.fails("rename", "uno", "_bad name")
    docker.out("exec", "two", "ping", "-c", "1", "uno")
    assert docker("exec", "two", "ping", "-c", "1", "one").returncode != 0
    names = [one["Name"] for one in docker.inspect("network", "net")["Containers"].values()]
    assert sorted(names) == ["two", "uno"]


def test_a_taken_name(docker: Docker) -> None:
    docker.out("create", "--name", "one", "busybox")
    refusal = docker.fails("create", "--name", "one", "busybox")
    assert 'Conflict. The container name "/one" is already in use by container' in refusal
    assert "You have to remove (or rename) that container to be able to reuse that name." in refusal


def test_ids_may_be_shortened(docker: Docker) -> None:
    identity = docker.out("create", "--name", "one", "busybox")
    for length in (4, 12, 40):
        assert docker.out("inspect", "-f", "{{.Id}}", identity[:length]) == identity


@pytest.mark.parametrize(
    ("policy", "script", "restarts"),
    [
        ("no", "exit 1", False),
        ("on-failure", "exit 0", False),
        ("on-failure", "exit 1", True),
        ("always", "exit 0", True),
    ],
)
def test_restart_policies(docker_newest: Docker, policy: str, script: str, restarts: bool) -> None:
    docker = docker_newest
    docker.out("run", "-d", "--name", "one", "--restart", policy, "busybox", "sh", "-c", f"sleep 0.1; {script}")
    if restarts:
        eventually(lambda: int(docker.out("inspect", "-f", "{{.RestartCount}}", "one")) >= 2)
    else:
        eventually(lambda: state(docker, "one") == "exited")
        assert docker.out("inspect", "-f", "{{.RestartCount}}", "one") == "0"


def test_on_failure_gives_up(docker_newest: Docker) -> None:
    docker = docker_newest
    docker.out("run", "-d", "--name", "one", "--restart", "on-failure:2", "busybox", "sh", "-c", "exit 3")
    eventually(
        lambda: state(docker, "one") == "exited" and docker.out("inspect", "-f", "{{.RestartCount}}", "one") == "2"
    )
    assert state(docker, "one", "ExitCode") == "3"


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_a_stopped_container_stays_stopped(docker_newest: Docker, policy: str) -> None:
    docker = docker_newest
    docker.out("run", "-d", "--name", "stopped", "--restart", policy, "busybox", "sh", "-c", OBEDIENT)
    docker.out("stop", "stopped")
    docker.out("run", "-d", "--name", "killed", "--restart", policy, "busybox", "top")
    pid = state(docker, "killed", "Pid")
    docker.engine.host.run(["kill", "-9", pid])
    eventually(lambda: state(docker, "killed", "Pid") not in ("0", pid))
    assert state(docker, "stopped") == "exited"
    assert "conflicting options" in docker.fails("run", "--rm", "--restart", policy, "busybox").lower()


def test_update_the_restart_policy(docker_newest: Docker) -> None:
    docker = docker_newest
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "sleep 0.3; exit 1")
    docker.out("update", "--restart", "on-failure:1", "one")
    eventually(lambda: docker.out("inspect", "-f", "{{.RestartCount}}", "one") == "1")


def test_container_prune(docker: Docker) -> None:
    docker.out("create", "--name", "kept", "--label", "keep=yes", "busybox")
    docker.out("create", "--name", "gone", "busybox")
    docker.out("run", "-d", "--name", "running", "busybox", "top")
    shown = docker.out("container", "prune", "-f", "--filter", "label!=keep")
    assert "Deleted Containers:" in shown
    assert sorted(docker.lines("ps", "-a", "--format", "{{.Names}}")) == ["kept", "running"]


@pytest.mark.reference_only("docker cp")
def test_copy_in_and_out(docker: Docker) -> None:
    (docker.directory / "file.txt").write_text("carried\n")
    docker.out("create", "--name", "one", "busybox", "cat", "/tmp/file.txt")
    docker("cp", "file.txt", "one:/tmp/file.txt")
    assert docker.out("start", "-a", "one") == "carried"
    docker("cp", "one:/etc/passwd", "passwd.txt")
    assert (docker.directory / "passwd.txt").read_text().startswith("root:x:0:0")
