"""Every form of --mount, parts of volumes, images as mounts, and volumes that are file systems of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.docker import Docker


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


@pytest.fixture
def tree(docker: Docker) -> Iterator[Path]:
    """A directory of the engine's host with a file system mounted below it."""
    source = docker.directory / "tree"
    (source / "below").mkdir(parents=True, exist_ok=True)
    docker.engine.host.output("mount", "-t", "tmpfs", "tmpfs", source / "below")
    docker.engine.host.output("mount", "--make-shared", source / "below")
    docker.engine.host.output("touch", source / "below/inner")
    yield source
    docker.engine.sweep()
    docker.engine.host.output("umount", source / "below")


def run(docker: Docker, *arguments: str) -> str:
    """`docker run --rm` of what must succeed; returns its output."""
    return docker.out("run", "--rm", *arguments)


def mounted(docker: Docker, name: str) -> bool:
    """Whether something is mounted on a volume's directory in the engine's host."""
    point = docker.inspect("volume", name)["Mountpoint"]
    return any(
        line.split()[4] == point for line in docker.engine.host.output("cat", "/proc/self/mountinfo").splitlines()
    )


def test_recursive_binds(docker: Docker, tree: Path) -> None:
    flag = f"type=bind,src={tree},dst=/in"
    assert run(docker, "--mount", flag, "busybox", "ls", "/in/below") == "inner"
    assert run(docker, "--mount", f"{flag},bind-recursive=disabled", "busybox", "ls", "/in/below") == ""


@pytest.mark.weft_only("since version 25")
def test_read_only_binds_go_all_the_way(docker: Docker, tree: Path) -> None:
    flag = f"type=bind,src={tree},dst=/in,readonly"
    write = ("busybox", "touch", "/in/below/written")
    assert "Read-only file system" in docker.fails("run", "--rm", "--mount", flag, *write)
    assert "Read-only file system" in docker.fails("run", "--rm", "-v", f"{tree}:/in:ro", *write)
    deep = f"{flag},bind-recursive=readonly,bind-propagation=rprivate"
    assert "Read-only file system" in docker.fails("run", "--rm", "--mount", deep, *write)
    run(docker, "--mount", f"{flag},bind-recursive=writable", *write)
    assert "Read-only file system" in docker.fails(
        "run", "--rm", "--mount", f"{flag},bind-recursive=writable", "busybox", "touch", "/in/x"
    )


@pytest.mark.weft_only("the flag is newer than the reference engine")
def test_a_missing_source_is_made_on_request(docker: Docker) -> None:
    source = docker.directory / "made"
    body = {"Type": "bind", "Source": str(source), "Target": "/in", "BindOptions": {"CreateMountpoint": True}}
    made = docker.engine.api.need("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"Mounts": [body]}})
    assert source.is_dir()
    assert docker.inspect(made["Id"])["HostConfig"]["Mounts"][0]["BindOptions"] == {"CreateMountpoint": True}


def test_propagation(docker: Docker, tree: Path) -> None:
    shown = run(docker, "--mount", f"type=bind,src={tree}/below,dst=/in,bind-propagation=rslave", "busybox", "cat",
                "/proc/self/mountinfo")  # fmt: skip
    line = next(line for line in shown.splitlines() if line.split()[4] == "/in")
    assert "master:" in line
    docker.out("create", "--name", "one", "-v", f"{tree}/below:/in:rslave", "busybox")
    assert docker.inspect("one")["Mounts"][0]["Propagation"] == "rslave"


@pytest.mark.weft_only("parts of volumes are newer than the reference engine")
def test_what_lies_below_a_source_outlives_its_mounts(docker: Docker, tree: Path) -> None:
    """Unmounting a copy that is a peer of a shared mount would unmount there, too, what lies below."""
    host, shared = docker.engine.host, tree / "below"
    host.output("mkdir", shared / "deep")
    host.output("mount", "-t", "tmpfs", "tmpfs", shared / "deep")
    try:
        host.output("touch", shared / "deep/inmost")
        docker.out("volume", "create", "-o", "type=none", "-o", f"device={shared}", "-o", "o=rbind", "whole")
        assert run(docker, "-v", "whole:/in", "busybox", "ls", "/in/deep") == "inmost"
        assert host.output("ls", shared / "deep") == "inmost"
        flag = "type=volume,src=whole,dst=/in,volume-subpath=deep"
        assert run(docker, "--mount", flag, "busybox", "ls", "/in") == "inmost"
        assert host.output("ls", shared / "deep") == "inmost"
        flag = f"type=bind,src={shared},dst=/in,bind-recursive=disabled"
        assert run(docker, "--mount", flag, "busybox", "ls", "/in", "/in/deep").split() == [
            *("/in:", "deep", "inner", "/in/deep:"),
        ]
        docker.out("volume", "rm", "whole")
        assert host.output("ls", shared / "deep") == "inmost"
    finally:
        host.output("umount", shared / "deep")


def test_memory(docker: Docker) -> None:
    flag = "type=tmpfs,dst=/m,tmpfs-size=1m,tmpfs-mode=700"
    shown = run(docker, "--mount", flag, "busybox", "sh", "-c", "grep ' /m ' /proc/mounts; stat -c %a /m")
    assert "size=1024k" in shown
    assert shown.endswith("700")
    assert "Read-only file system" in docker.fails("run", "--rm", "--mount", f"{flag},ro", "busybox", "touch", "/m/x")


def test_volumes_with_all_options(docker: Docker) -> None:
    options = "volume-label=team=blue,volume-driver=local,volume-nocopy"
    docker.out("create", "--name", "one", "--mount", f"type=volume,src=data,dst=/data,{options}", "busybox")
    assert docker.inspect("volume", "data")["Labels"] == {"team": "blue"}
    assert docker.inspect("one")["Mounts"][0]["Name"] == "data"
    flag = "type=volume,dst=/data,volume-driver=nonsense"
    refusal = docker.fails("create", "--pull", "never", "--mount", flag, "busybox")
    assert "nonsense" in refusal


@pytest.mark.weft_only("since version 26")
def test_a_part_of_a_volume(docker: Docker) -> None:
    script = "mkdir -p /v/a/b; echo deep >/v/a/b/file; ln -s /etc /v/out; ln -s a/b /v/in"
    run(docker, "-v", "data:/v", "busybox", "sh", "-c", script)
    flag = "type=volume,src=data,dst=/part,volume-subpath="
    assert run(docker, "--mount", f"{flag}a/b", "busybox", "cat", "/part/file") == "deep"
    assert run(docker, "--mount", f"{flag}a/b/file", "busybox", "cat", "/part") == "deep"
    assert run(docker, "--mount", f"{flag}in", "busybox", "ls", "/part") == "file"
    assert "escapes the base directory" in docker.fails("run", "--rm", "--mount", f"{flag}out", "busybox")
    assert "no such file or directory" in docker.fails("run", "--rm", "--mount", f"{flag}absent", "busybox")
    assert "subpath must be a relative path" in docker.fails("create", "--mount", f"{flag}../x", "busybox")
    assert "Read-only" in docker.fails("run", "--rm", "--mount", f"{flag}a,readonly", "busybox", "touch", "/part/x")
    docker.out("run", "-d", "--name", "one", "--mount", f"{flag}a", "busybox", "top")
    docker.engine.kill()
    docker.engine.start()
    assert docker.out("exec", "one", "cat", "/part/b/file") == "deep"
    docker.out("cp", "one:/part/b/file", docker.directory / "copied")
    assert (docker.directory / "copied").read_text() == "deep\n"
    docker.out("stop", "-t", "0", "one")
    docker.out("cp", "one:/part/b/file", docker.directory / "copied again")
    docker.out("rm", "one")
    assert list(docker.engine.host.path(docker.engine.exec_root / "roots").glob("mount-*")) == []


@pytest.mark.weft_only("since version 28")
def test_an_image_as_a_mount(docker: Docker) -> None:
    flag = "type=image,src=busybox,dst=/image"
    docker.out("run", "-d", "--name", "one", "--mount", flag, "nginx", "sh", "-c", "sleep 1000")
    assert "root:" in docker.out("exec", "one", "cat", "/image/etc/passwd")
    assert "Read-only file system" in docker.fails("exec", "one", "touch", "/image/x")
    mount = docker.inspect("one")["Mounts"][0]
    assert (mount["Type"], mount["Destination"], mount["RW"]) == ("image", "/image", False)
    assert "conflict" in docker.fails("rmi", "busybox")
    assert run(docker, "--mount", f"{flag},image-subpath=etc/passwd", "busybox", "head", "-c", "5", "/image") == "root:"
    assert "No such image: nonsense" in docker.fails(
        "create", "--pull", "never", "--mount", "type=image,src=nonsense,dst=/x", "busybox"
    )


def test_what_is_no_type_here(docker: Docker) -> None:
    assert re.search("mount type unknown", docker.fails("create", "--mount", "type=npipe,src=x,dst=/x", "busybox"))
    refusal = docker.fails("create", "--mount", "type=cluster,src=x,dst=/x", "busybox")
    assert "cluster" in refusal


def test_volumes_from_with_modes(docker: Docker) -> None:
    docker.out("create", "--name", "donor", "-v", "data:/data", "-v", "/anonymous", "busybox")
    assert "Read-only" in docker.fails("run", "--rm", "--volumes-from", "donor:ro", "busybox", "touch", "/data/x")
    run(docker, "--volumes-from", "donor:rw", "-v", "other:/data", "busybox", "touch", "/data/x", "/anonymous/x")
    assert run(docker, "-v", "other:/o", "busybox", "ls", "/o") == "x"
    assert run(docker, "--volumes-from", "donor", "--volumes-from", "donor:ro", "busybox", "ls", "/anonymous") == "x"
    assert "invalid mode: nonsense" in docker.fails("create", "--volumes-from", "donor:nonsense", "busybox")


def test_a_volume_of_memory(docker: Docker) -> None:
    options = ("-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=7")
    docker.out("volume", "create", *options, "fast")
    assert docker.inspect("volume", "fast")["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=7"}
    shown = run(docker, "-v", "fast:/fast", "busybox", "sh", "-c", "grep ' /fast ' /proc/mounts; stat -c %u /fast")
    assert "size=1024k" in shown
    assert shown.endswith("7")
    assert not mounted(docker, "fast")
    for name in ("one", "two"):
        docker.out("run", "-d", "--name", name, "-v", "fast:/fast", "busybox", "top")
    docker.out("exec", "one", "touch", "/fast/file")
    assert docker.out("exec", "two", "ls", "/fast") == "file"
    docker.out("rm", "-f", "one")
    assert docker.out("exec", "two", "ls", "/fast") == "file"
    assert mounted(docker, "fast")
    docker.out("stop", "-t", "0", "two")
    assert not mounted(docker, "fast")


@pytest.mark.weft_only("containers of the reference engine end with it")
def test_mounted_volumes_and_the_daemons_end(docker: Docker) -> None:
    docker.out("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "fast")
    docker.out("run", "-d", "--name", "one", "-v", "fast:/fast", "busybox", "top")
    docker.out("exec", "one", "touch", "/fast/file")
    docker.engine.kill()
    docker.engine.start()
    assert docker.out("run", "--rm", "-v", "fast:/fast", "busybox", "ls", "/fast") == "file"
    assert mounted(docker, "fast")
    pid = docker.inspect("one")["State"]["Pid"]
    docker.engine.kill()
    docker.engine.host.output("kill", "-9", str(pid))
    docker.engine.start()
    assert docker.inspect("one")["State"]["Running"] is False
    assert not mounted(docker, "fast")


def test_a_volume_of_a_directory(docker: Docker) -> None:
    source = docker.directory / "shared"
    source.mkdir(exist_ok=True)
    (source / "file").write_text("of the host\n")
    options = ("-o", "type=none", "-o", f"device={source}", "-o", "o=bind,ro")
    docker.out("volume", "create", *options, "bound")
    assert run(docker, "-v", "bound:/in", "busybox", "cat", "/in/file") == "of the host"
    assert "Read-only file system" in docker.fails("run", "--rm", "-v", "bound:/in", "busybox", "touch", "/in/x")
    docker.out("volume", "rm", "bound")
    assert (source / "file").exists()
    empty = docker.directory / "empty"
    empty.mkdir(exist_ok=True)
    docker.out("volume", "create", "-o", "type=none", "-o", f"device={empty}", "-o", "o=bind", "filled")
    assert "passwd" in run(docker, "-v", "filled:/etc", "busybox", "ls", "/etc")
    assert (empty / "passwd").exists()
    flag = f'type=volume,dst=/in,volume-opt=type=none,volume-opt=device={source},"volume-opt=o=bind"'
    assert run(docker, "--mount", flag, "busybox", "cat", "/in/file") == "of the host"
    assert (source / "file").exists()


def test_volumes_that_cannot_be(docker: Docker) -> None:
    assert 'invalid option: "nonsense"' in docker.fails("volume", "create", "-o", "nonsense=1", "bad")
    assert 'missing required option: "device"' in docker.fails("volume", "create", "-o", "type=tmpfs", "bad")
    assert "quota size requested but no quota support" in docker.fails("volume", "create", "-o", "size=1g", "bad")
    assert docker.lines("volume", "ls", "-q") == []
    docker.out("volume", "create", "-o", "type=none", "-o", "device=/nonsense", "-o", "o=bind", "gone")
    refusal = docker.fails("run", "-v", "gone:/in", "busybox")
    assert re.search(r"error while mounting volume '\S+/gone/_data': failed to mount local volume: mount "
                     r"/nonsense:\S+/gone/_data, flags: 0x1000: no such file or directory", refusal)  # fmt: skip
    if not docker.engine.reference:  # which keeps what it made
        assert docker.lines("ps", "-aq") == []
    nfs = ("-o", "type=nfs", "-o", "device=:/export", "-o", "o=addr=10.254.254.254,rw,soft,password=secret")
    docker.out("volume", "create", *nfs, "remote")
    refusal = docker.fails("run", "--rm", "-v", "remote:/in", "busybox")
    assert "failed to mount local volume: mount :/export:" in refusal
    assert "secret" not in refusal or docker.engine.reference  # 20.10 shows it
    names = ("-o", "type=nfs", "-o", "device=:/export", "-o", "o=addr=no.such.host.invalid")
    docker.out("volume", "create", *names, "nameless")
    assert "error resolving passed in network volume address" in docker.fails(
        "run", "--rm", "-v", "nameless:/in", "busybox"
    )


def test_duplicates(docker: Docker) -> None:
    flags = ("-v", "data:/data", "--mount", "type=tmpfs,dst=/data")
    assert "Duplicate mount point: /data" in docker.fails("create", *flags, "busybox")
    body = json.loads(docker.out("volume", "inspect", docker.out("volume", "create")))[0]
    assert re.fullmatch("[0-9a-f]{64}", body["Name"])
