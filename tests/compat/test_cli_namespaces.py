"""Namespaces of the host and of other containers, and what confines a container."""

from __future__ import annotations

import re

import pytest

from rig.docker import Docker

MADE = "cd /sys/fs/cgroup; test -d memory && cd memory; mkdir made && rmdir made && echo made"


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def run(docker: Docker, *arguments: str) -> str:
    """`docker run --rm` of what must succeed; returns its output."""
    return docker.out("run", "--rm", *arguments)


def test_shared_memory_of_another_container(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "donor", "--ipc", "shareable", "--shm-size", "1m", "busybox", "top")
    docker.out("exec", "donor", "sh", "-c", "echo shared >/dev/shm/file")
    script = "readlink /proc/self/ns/ipc; cat /dev/shm/file"
    shown = run(docker, "--ipc", "container:donor", "busybox", "sh", "-c", script)
    assert shown == docker.out("exec", "donor", "sh", "-c", script)
    docker.out("run", "-d", "--name", "joined", "--ipc", "container:donor", "busybox", "top")
    docker.out("rm", "-f", "donor")
    assert docker.out("exec", "joined", "cat", "/dev/shm/file") == "shared"
    assert docker.inspect("joined")["HostConfig"]["IpcMode"].startswith("container:")


def test_shared_memory_survives_the_daemon(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "donor", "--ipc", "shareable", "busybox", "top")
    docker.out("exec", "donor", "sh", "-c", "echo shared >/dev/shm/file")
    if not docker.engine.reference:  # whose containers end with it
        docker.engine.kill()
        docker.engine.start()
    assert run(docker, "--ipc", "container:donor", "busybox", "cat", "/dev/shm/file") == "shared"
    docker.out("restart", "-t", "0", "donor")
    assert run(docker, "--ipc", "container:donor", "busybox", "ls", "/dev/shm") == ""


def test_what_cannot_be_joined(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "private", "--ipc", "private", "busybox", "top")
    assert "non-shareable IPC (hint: use IpcMode:shareable" in docker.fails(
        "run", "--rm", "--ipc", "container:private", "busybox"
    )
    identifier = docker.out("create", "--name", "idle", "--ipc", "shareable", "busybox")
    for kind in ("ipc", "pid"):
        refusal = docker.fails("run", "--rm", f"--{kind}", "container:idle", "busybox")
        assert f"container {identifier} is not running" in refusal or "container idle is not running" in refusal
        assert "No such container: nobody" in docker.fails("run", "--rm", f"--{kind}", "container:nobody", "busybox")


def test_modes_of_ipc(docker: Docker) -> None:
    assert "No such file" in docker("run", "--rm", "--ipc", "none", "busybox", "ls", "/dev/shm").stderr
    assert docker.inspect(docker.out("create", "busybox"))["HostConfig"]["IpcMode"] == "private"
    if not docker.engine.reference:  # which finds out at the start
        assert "invalid IPC mode" in docker.fails("create", "--ipc", "nonsense", "busybox")


def test_cgroup_namespaces(docker: Docker) -> None:
    groups = ("busybox", "sh", "-c", "cut -d: -f3 /proc/self/cgroup | sort | tail -1")
    assert run(docker, "--cgroupns", "private", *groups) == "/"
    assert run(docker, "--cgroupns", "host", *groups) != "/"
    docker.out("create", "--name", "one", "--cgroupns", "private", "busybox")
    assert docker.inspect("one")["HostConfig"]["CgroupnsMode"] == "private"


def test_user_namespace_of_the_host(docker: Docker) -> None:
    script = ("busybox", "readlink", "/proc/self/ns/user")
    assert run(docker, "--userns", "host", *script) == run(docker, *script)


def test_further_groups(docker: Docker) -> None:
    shown = run(docker, "--group-add", "776", "--group-add", "777", "busybox", "id", "-G").split()
    assert {"776", "777"} <= set(shown)
    refusal = docker.fails("run", "--rm", "--group-add", "nonsense", "busybox")
    assert re.search("[Uu]nable to find group nonsense", refusal)
    if not docker.engine.reference:  # whose image has few groups
        assert "33" in run(docker, "--group-add", "www-data", "busybox", "id", "-G").split()


@pytest.mark.weft_only("since version 28")
def test_writable_control_groups(docker: Docker) -> None:
    assert "Read-only file system" in docker("run", "--rm", "busybox", "sh", "-c", MADE).stderr
    assert run(docker, "--security-opt", "writable-cgroups=true", "busybox", "sh", "-c", MADE) == "made"


def test_system_paths_laid_open(docker: Docker) -> None:
    flags = ("--security-opt", "systempaths=unconfined")
    assert run(docker, *flags, "busybox", "sh", "-c", "mount | grep -c -E '/proc/(kcore|sys|irq) '; true") == "0"
    docker.out("create", "--name", "one", *flags, "busybox")
    assert docker.inspect("one")["HostConfig"]["MaskedPaths"] == []


def test_a_seccomp_profile_of_ones_own(docker: Docker) -> None:
    profile = docker.directory / "profile.json"
    profile.write_text(
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'
    )
    flag = f"seccomp={profile}"
    assert "Operation not permitted" in docker("run", "--rm", "--security-opt", flag, "busybox", "mkdir", "/x").stderr
    if not docker.engine.reference:  # since version 23
        run(docker, "--security-opt", "seccomp=builtin", "busybox", "mkdir", "/x")


@pytest.mark.weft_only("the reference engine is older than annotations")
def test_annotations(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "--annotation", "com.example.key=value", "busybox", "top")
    assert docker.inspect("one")["HostConfig"]["Annotations"] == {"com.example.key": "value"}


@pytest.mark.weft_only("20.10 ignores them where the kernel has neither")
@pytest.mark.parametrize("option", ["apparmor=mine", "label=type:mine"])
def test_modules_that_confine_nothing_here_are_refused(docker: Docker, option: str) -> None:
    assert f"security option {option} is not supported" in docker.fails("create", "--security-opt", option, "busybox")
