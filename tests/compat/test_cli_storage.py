"""Volumes, bind mounts, tmpfs, read-only roots."""

from __future__ import annotations

import re

import pytest

from rig.docker import Docker


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def run(docker: Docker, *arguments: str) -> str:
    """`docker run --rm` of what must succeed; returns its output."""
    return docker.out("run", "--rm", *arguments)


def test_named_volumes(docker: Docker) -> None:
    assert docker.out("volume", "create", "--label", "team=blue", "data") == "data"
    run(docker, "-v", "data:/data", "busybox", "sh", "-c", "echo kept >/data/file")
    assert run(docker, "-v", "data:/data:ro", "busybox", "cat", "/data/file") == "kept"
    assert "Read-only file system" in docker.fails("run", "--rm", "-v", "data:/data:ro", "busybox", "touch", "/data/x")
    volume = docker.inspect("volume", "data")
    assert (volume["Name"], volume["Driver"], volume["Scope"], volume["Labels"]) == (
        "data",
        "local",
        "local",
        {"team": "blue"},
    )
    assert volume["Mountpoint"].startswith(str(docker.engine.data_root))
    assert docker.out("volume", "ls", "-q", "--filter", "label=team=blue") == "data"
    assert docker.out("volume", "ls", "-q", "--filter", "name=at", "--filter", "dangling=true") == "data"
    docker.out("create", "--name", "user", "-v", "data:/data", "busybox")
    assert "volume is in use" in docker.fails("volume", "rm", "data")
    assert docker.out("volume", "ls", "-q", "--filter", "dangling=true") == ""
    docker.out("rm", "user")
    docker.out("volume", "rm", "data")
    assert re.search(r"no such volume: data|No such volume: data|get data", docker.fails("volume", "inspect", "data"))


def test_a_volume_starts_with_what_the_image_has(docker: Docker) -> None:
    assert "passwd" in run(docker, "-v", "conf:/etc", "busybox", "ls", "/etc")
    assert "passwd" in run(docker, "-v", "conf:/copy", "busybox", "ls", "/copy")
    assert "passwd" not in run(docker, "-v", "empty:/etc:nocopy", "busybox", "ls", "/etc")


def test_volumes_are_filled_when_a_container_is_made(docker: Docker) -> None:
    def content(volume: str) -> str:
        return run(docker, "-v", f"{volume}:/look:nocopy", "busybox", "ls", "/look")

    docker.out("create", "--name", "made", "-v", "conf:/etc", "-v", "none:/etc2:nocopy", "busybox", "top")
    assert "passwd" in content("conf")
    docker.out("create", "--mount", "type=volume,src=left,dst=/etc,volume-nocopy", "busybox")
    assert content("left") == ""
    run(docker, "-v", "conf:/x", "busybox", "sh", "-c", "rm -r /x/*")
    docker.out("start", "made")
    assert docker.out("exec", "made", "ls", "/etc").split() == ["hostname", "hosts", "resolv.conf"]
    run(docker, "-v", "conf:/x:nocopy", "busybox", "sh", "-c", "rm -rf /x/*")
    docker.out("create", "-v", "conf:/etc", "busybox")
    assert "passwd" in content("conf")
    docker.out("run", "-d", "--name", "anonymous", "-v", "/etc", "busybox", "top")
    docker.out("create", "--name", "heir", "--volumes-from", "anonymous", "busybox", "top")
    assert "passwd" in docker.out("exec", "anonymous", "ls", "/etc")


def test_anonymous_volumes(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "-v", "/anonymous", "busybox", "top")
    mount = docker.inspect("one")["Mounts"][0]
    assert (mount["Type"], mount["Destination"], mount["RW"]) == ("volume", "/anonymous", True)
    assert re.fullmatch("[0-9a-f]{64}", mount["Name"])
    docker.out("run", "-d", "--name", "two", "--volumes-from", "one", "busybox", "top")
    docker.out("exec", "one", "touch", "/anonymous/shared")
    docker.out("exec", "two", "ls", "/anonymous/shared")
    docker.out("rm", "-f", "two")
    docker.out("rm", "-fv", "one")
    assert docker.out("volume", "ls", "-q") == ""


def test_volume_prune(docker: Docker) -> None:
    docker.out("create", "--name", "one", "-v", "/anonymous", "busybox")
    docker.out("rm", "one")
    assert docker.out("volume", "ls", "-q") != ""
    assert "Deleted Volumes:" in docker.out("volume", "prune", "-f")
    assert docker.out("volume", "ls", "-q") == ""


def test_bind_mounts(docker: Docker) -> None:
    source = docker.directory / "shared"
    source.mkdir(exist_ok=True)
    (source / "file").write_text("of the host\n")
    assert run(docker, "-v", f"{source}:/in", "busybox", "cat", "/in/file") == "of the host"
    run(docker, "-v", f"{source}:/in", "busybox", "sh", "-c", "echo new >/in/made")
    assert (source / "made").read_text() == "new\n"
    assert docker("run", "--rm", "-v", f"{source}:/in:ro", "busybox", "touch", "/in/x").returncode != 0
    assert run(docker, "-v", f"{source}/file:/etc/motd:ro", "busybox", "cat", "/etc/motd") == "of the host"
    run(docker, "-v", f"{source}/absent:/in", "busybox", "true")
    assert (source / "absent").is_dir()
    flag = f"type=bind,source={source}/nowhere,target=/in"
    assert re.search("bind source path does not exist", docker.fails("run", "--rm", "--mount", flag, "busybox"))
    flag = f"type=bind,source={source},target=/in,readonly"
    assert "file" in run(docker, "--mount", flag, "busybox", "ls", "/in")
    refusal = docker.fails("create", "-v", f"{source}:/in:nonsense", "busybox")
    assert re.search("invalid mode: nonsense", refusal)


def test_tmpfs(docker: Docker) -> None:
    shown = run(
        docker, "--tmpfs", "/scratch:size=1m,mode=700", "busybox", "sh", "-c", "mount | grep /scratch; ls -ld /scratch"
    )
    assert re.search(r"tmpfs on /scratch type tmpfs \(rw,nosuid,nodev,noexec.*size=1024k.*\)", shown)
    assert "drwx------" in shown
    shown = run(docker, "--mount", "type=tmpfs,target=/other,tmpfs-size=2097152", "busybox", "mount")
    assert re.search(r"tmpfs on /other type tmpfs .*size=2048k", shown)


def test_read_only_root(docker: Docker) -> None:
    assert "Read-only file system" in docker.fails("run", "--rm", "--read-only", "busybox", "touch", "/x")
    run(
        docker,
        "--read-only",
        "--tmpfs",
        "/tmp",
        "-v",
        "/data",
        "busybox",
        "sh",
        "-c",
        "touch /tmp/x /data/x /dev/shm/x",
    )


def test_the_root_is_the_containers_own(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    docker.out("exec", "one", "sh", "-c", "echo changed >/etc/passwd; rm /bin/vi; echo new >/new")
    assert run(docker, "busybox", "sh", "-c", "ls /bin/vi; head -c 4 /etc/passwd").endswith("root")
    docker.out("restart", "-t", "0", "one")
    assert docker.out("exec", "one", "cat", "/new") == "new"


@pytest.mark.reference_only("docker diff, docker commit")
def test_changes_may_be_listed_and_kept(docker: Docker) -> None:
    docker.out("run", "--name", "one", "busybox", "sh", "-c", "echo x >/etc/passwd; rm /bin/vi; echo new >/new")
    assert set(docker.lines("diff", "one")) >= {"C /etc", "C /etc/passwd", "C /bin", "D /bin/vi", "A /new"}
    docker.out("commit", "-m", "kept", "one", "mine:latest")
    try:
        assert run(docker, "mine", "cat", "/new") == "new"
    finally:
        docker.out("rm", "-f", "one")
        docker.out("rmi", "mine")
