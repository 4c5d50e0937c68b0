"""Flags of `docker create` that client and engine share: pulling, platforms, files of ids, variables, labels."""

from __future__ import annotations

import re

import pytest

from rig.docker import Docker


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def test_when_to_pull(docker: Docker) -> None:
    refusal = docker.fails("run", "--pull", "never", "nonsense", status=125)
    assert re.search("No such image: nonsense", refusal)
    done = docker("run", "--rm", "--pull", "always", "alpine", "echo", "here")
    assert "Pulling from library/alpine" in done.stderr
    assert done.stdout == "here\n"
    assert docker("run", "--rm", "--pull", "missing", "alpine", "true").stderr == ""
    assert "Unable to find image 'nonsense:latest' locally" in docker.fails("run", "nonsense", status=125)


def test_platforms(docker: Docker) -> None:
    assert docker.out("run", "--rm", "--platform", "linux/amd64", "alpine", "echo", "here") == "here"
    refusal = docker.fails("create", "--pull", "never", "--platform", "linux/s390x", "alpine")
    assert re.search("platform", refusal)
    assert docker.lines("ps", "-aq") == []


def test_files_of_ids_variables_and_labels(docker: Docker) -> None:
    directory = docker.directory
    (directory / "variables").write_text("# none\nA=1\nB=two words\n")
    (directory / "labels").write_text("team=blue\n")
    (directory / "id").unlink(missing_ok=True)
    files = ("--env-file", "variables", "--label-file", "labels", "--cidfile", "id")
    identifier = docker.out("create", "--name", "one", *files, "-e", "B=2", "busybox")
    assert (directory / "id").read_text() == identifier
    shown = docker.inspect("one")
    assert {"A=1", "B=2"} <= set(shown["Config"]["Env"])
    assert shown["Config"]["Labels"] == {"team": "blue"}
    assert shown["HostConfig"]["ContainerIDFile"] == "id"
    assert "container ID file found" in docker.fails("create", "--cidfile", "id", "busybox")


def test_time_to_stop(docker: Docker) -> None:
    script = "trap 'echo asked' TERM; while true; do sleep 0.1; done"
    docker.out("run", "-d", "--name", "one", "--stop-timeout", "0", "busybox", "sh", "-c", script)
    docker.out("stop", "one")
    assert docker.inspect("one")["State"]["ExitCode"] == 137
    assert docker.inspect("one")["Config"]["StopTimeout"] == 0


@pytest.mark.weft_only("20.10 takes a size where the disk has quotas")
def test_what_there_is_not(docker: Docker) -> None:
    assert "HostConfig.StorageOpt is not supported" in docker.fails("create", "--storage-opt", "size=1g", "busybox")
    assert "unknown or invalid runtime name: nonsense" in docker.fails("create", "--runtime", "nonsense", "busybox")
    assert "linux only supports 'default'" in docker.fails("create", "--isolation", "hyperv", "busybox")
