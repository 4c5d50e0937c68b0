"""docker cp: files out of containers and into them, running or not, and never anywhere else."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually

STATES = ("created", "running", "exited")


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


@pytest.fixture
def here(docker: Docker) -> Iterator[Path]:
    """The directory that the CLI is in, as it was afterwards."""
    before = set(docker.directory.iterdir())
    yield docker.directory
    for path in set(docker.directory.iterdir()) - before:
        subprocess.run(["rm", "-rf", path], check=True)


def container(docker: Docker, state: str, *options: str, command: str = "top") -> str:
    """A container called `one` in that state."""
    docker.out("create", "--name", "one", *options, "busybox", *command.split())
    if state != "created":
        docker.out("start", "one")
    if state == "exited":
        docker.out("kill", "one")
    return "one"


def tar_of(**files: str) -> bytes:
    """A tar stream of text files; `__` in a name stands for a slash."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size, entry.uid, entry.gid = len(text), 12, 34
            archive.addfile(entry, io.BytesIO(text.encode()))
    return sink.getvalue()


def names_in(tar: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return archive.getnames()


def stat_of(engine: Engine, path: str, method: str = "HEAD") -> dict[str, object]:
    answer = engine.api.request(method, f"/containers/one/archive?path={quote(path)}")
    assert answer.status == 200, answer.body
    found: dict[str, object] = json.loads(base64.b64decode(answer.headers["x-docker-container-path-stat"]))
    return found


def mounts_of(engine: Engine) -> int:
    assert engine.daemon is not None
    return len(Path(f"/proc/{engine.daemon.pid}/mountinfo").read_text().splitlines())


@pytest.mark.parametrize("state", STATES)
def test_out_and_in(docker: Docker, here: Path, state: str) -> None:
    container(docker, state)
    docker.out("cp", "one:/etc/passwd", "copy")
    assert (here / "copy").read_text().startswith("root:x:0:0")
    docker.out("cp", "one:etc", "whole")
    assert (here / "whole/group").is_file()
    (here / "made").mkdir()
    docker.out("cp", "one:/etc/.", "made")
    assert (here / "made/passwd").is_file()
    docker.out("cp", "one:/etc", "made")
    assert (here / "made/etc/passwd").is_file()
    (here / "note").write_text("hello\n")
    (here / "tree/deep").mkdir(parents=True)
    (here / "tree/deep/leaf").write_text("leaf\n")
    docker.out("cp", "note", "one:/root")
    docker.out("cp", "note", "one:/root/renamed")
    docker.out("cp", "tree", "one:/root")
    docker.out("cp", "tree/.", "one:/root")
    docker.out("start", "one")
    shown = docker.out("exec", "one", "cat", "/root/note", "/root/renamed", "/root/tree/deep/leaf", "/root/deep/leaf")
    assert shown == "hello\nhello\nleaf\nleaf"


def test_tar_streams(docker: Docker) -> None:
    container(docker, "running")
    out = docker.raw("cp", "one:/etc/passwd", "-").stdout
    assert names_in(out) == ["passwd"]
    assert {"etc", "etc/passwd", "etc/group"} <= set(names_in(docker.raw("cp", "one:/etc", "-").stdout))
    assert {".", "./passwd"} <= set(names_in(docker.raw("cp", "one:/etc/.", "-").stdout))
    done = docker.raw("cp", "-", "one:/root", stdin=tar_of(one="1", a__b__two="2"))
    assert done.returncode == 0, done.stderr
    assert docker.out("exec", "one", "cat", "/root/one", "/root/a/b/two") == "12"
    assert docker.out("exec", "one", "stat", "-c", "%u:%g", "/root/one", "/root/a/b") == "12:34\n0:0"
    done = docker.raw("cp", "-", "one:/etc/passwd", stdin=tar_of(one="1"))
    assert b"must be a directory" in done.stderr


@pytest.mark.parametrize("program", ["gzip", "bzip2", "xz", "zstd"])
def test_compressed_archives(docker: Docker, engine: Engine, program: str) -> None:
    if engine.reference and program == "zstd":
        return  # it came with version 20.10.8 of the API's later half
    container(docker, "created")
    packed = subprocess.run([program, "-c"], input=tar_of(packed=program), capture_output=True, check=True).stdout
    answer = engine.api.request("PUT", "/containers/one/archive?path=/root", raw=packed)
    assert answer.status == 200, answer.body
    docker.out("start", "one")
    assert docker.out("exec", "one", "cat", "/root/packed") == program


def test_what_a_file_is_stays(docker: Docker) -> None:
    container(docker, "running")
    script = (
        "cd /root; mkdir d; echo x >d/file; chown 5:6 d/file; ln d/file d/hard; ln -s file d/soft; "
        "echo y >d/suid; chown 7 d/suid; chmod 4751 d/suid; "
        "mkfifo d/fifo; mknod d/null c 1 3; touch -d '2001-02-03 04:05:06' d/file; chmod 1777 d"
    )
    docker.out("exec", "one", "sh", "-c", script)
    tar = docker.raw("cp", "one:/root/d", "-").stdout
    done = docker.raw("cp", "-", "one:/tmp", stdin=tar)
    assert done.returncode == 0, done.stderr
    shape = "cd %s; stat -c '%%n %%F %%a %%u %%g %%s %%h %%Y %%t %%T' file hard soft fifo null suid; stat -c '%%a' ."
    before = docker.out("exec", "one", "sh", "-c", shape % "/root/d").splitlines()
    after = docker.out("exec", "one", "sh", "-c", shape % "/tmp/d").splitlines()
    assert after == before
    assert after[0].startswith("file regular file 644 5 6 2 2 981173106"), after
    assert after[5].startswith("suid regular file 4751 7 0 2 1 "), after


@pytest.mark.parametrize("state", STATES)
def test_volumes_and_binds_are_seen(docker: Docker, engine: Engine, here: Path, state: str) -> None:
    shared = engine.directory / "shared"
    shared.mkdir(exist_ok=True)
    (shared / "from-host").write_text("host\n")
    container(docker, state, "-v", "data:/data/inner", "-v", f"{shared}:/mnt/shared", "-v", "other:/data")
    docker.out("cp", "one:/mnt/shared/from-host", "copy")
    assert (here / "copy").read_text() == "host\n"
    (here / "note").write_text("in a volume\n")
    docker.out("cp", "note", "one:/data/inner/note")
    docker.out("cp", "note", "one:/mnt/shared/note")
    assert (shared / "note").read_text() == "in a volume\n"
    assert docker.out("run", "--rm", "-v", "data:/x", "busybox", "cat", "/x/note") == "in a volume"
    docker.out("cp", "one:/data/inner/note", "again")
    assert (here / "again").read_text() == "in a volume\n"
    subprocess.run(["rm", "-rf", shared], check=True)


@pytest.mark.parametrize("state", STATES)
def test_volumes_that_are_file_systems_of_their_own(docker: Docker, here: Path, state: str) -> None:
    source = here / "shared"
    source.mkdir()
    docker.out("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={source}", "own")
    container(docker, state, "-v", "own:/own")
    (here / "note").write_text("in it\n")
    docker.out("cp", "note", "one:/own")
    assert (source / "note").read_text() == "in it\n"
    docker.out("cp", "one:/own/note", "back")
    assert (here / "back").read_text() == "in it\n"
    if state != "running":
        mountpoint = docker.inspect("volume", "own")["Mountpoint"]
        assert docker.engine.reference or list(Path(mountpoint).iterdir()) == []


@pytest.mark.parametrize("state", STATES)
def test_read_only_is_refused(docker: Docker, here: Path, state: str) -> None:
    container(docker, state, "--read-only", "-v", "data:/data:ro", "-v", "free:/free")
    (here / "note").write_text("x")
    assert "container rootfs is marked read-only" in docker.fails("cp", "note", "one:/root")
    assert "mounted volume is marked read-only" in docker.fails("cp", "note", "one:/data")
    docker.out("cp", "note", "one:/free")
    docker.out("cp", "one:/free/note", "back")
    assert (here / "back").read_text() == "x"


@pytest.mark.parametrize("state", ["running", "exited"])
def test_links_lead_nowhere_else(docker: Docker, engine: Engine, here: Path, state: str) -> None:
    """A hostile image: links to the host's files and up, in the path, in volumes, at a mount's place, in an archive."""
    secret = engine.directory / "secret"
    secret.mkdir(exist_ok=True)
    (secret / "key").write_text("the host's\n")
    container(docker, "running")
    up = "../" * 30
    script = (
        f"cd /; ln -s {secret} abs; ln -s {up}{secret} rel; ln -s {secret}/key key; ln -s /proc/1/root{secret} magic"
    )
    docker.out("exec", "one", "sh", "-c", script)
    if state == "exited":
        docker.out("kill", "one")
    (here / "note").write_text("mine\n")
    for path in ("/abs/key", "/rel/key", "/magic/key"):
        assert "Could not find the file" in docker.fails("cp", f"one:{path}", "x")
    docker.fails("cp", "-L", "one:/key", "leak")
    assert not (here / "leak").exists()
    for path in ("/abs/", "/rel/", "/magic/"):
        docker.fails("cp", "note", f"one:{path}")
    docker("cp", "note", "one:/key")
    assert (secret / "key").read_text() == "the host's\n"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        link = tarfile.TarInfo("way")
        link.type, link.linkname = tarfile.SYMTYPE, f"{up}{secret}"
        tar.addfile(link)
        file = tarfile.TarInfo("way/planted")
        file.size = 4
        tar.addfile(file, io.BytesIO(b"evil"))
        out = tarfile.TarInfo("../../../../planted")
        out.size = 4
        tar.addfile(out, io.BytesIO(b"evil"))
    docker.raw("cp", "-", "one:/root", stdin=archive.getvalue())
    assert sorted(path.name for path in secret.iterdir()) == ["key"]
    assert not (engine.directory / "planted").exists()
    subprocess.run(["rm", "-rf", secret], check=True)


def test_what_is_missing_is_named(docker: Docker, engine: Engine, here: Path) -> None:
    container(docker, "running")
    (here / "note").write_text("x")
    assert "Could not find the file /nowhere in container one" in docker.fails("cp", "one:/nowhere", "x")
    assert "Could not find the file /nowhere/at in container one" in docker.fails("cp", "note", "one:/nowhere/at/all")
    assert re.search("No such container: two", docker.fails("cp", "two:/etc", "x"))
    answer = engine.api.request("PUT", "/containers/one/archive?path=/etc/passwd", raw=tar_of(a="1"))
    assert (answer.status >= 400, answer.message) == (True, "extraction point is not a directory")
    assert engine.api.get("/containers/one/archive").status == 400
    assert engine.api.request("HEAD", "/containers/one/archive?path=/nowhere").status == 404


def test_a_directory_takes_no_files_place(docker: Docker, engine: Engine) -> None:
    container(docker, "running")
    docker.out("exec", "one", "sh", "-c", "mkdir -p /root/it/in; echo file >/root/other")
    one = "/containers/one/archive?path=/root"
    refused = engine.api.request("PUT", f"{one}&noOverwriteDirNonDir=true", raw=tar_of(it="file"))
    assert 'cannot overwrite directory "/root/it" with non-directory "/root"' in refused.message
    refused = engine.api.request("PUT", f"{one}&noOverwriteDirNonDir=1", raw=tar_of(other__x="x"))
    assert refused.status >= 400
    assert engine.api.request("PUT", one, raw=tar_of(it="file")).status == 200
    assert docker.out("exec", "one", "cat", "/root/it") == "file"


def test_archive_mode_gives_it_to_the_user(docker: Docker, engine: Engine) -> None:
    container(docker, "running", "--user", "nobody")
    one = "/containers/one/archive?path=/tmp"
    assert engine.api.request("PUT", f"{one}&copyUIDGID=true", raw=tar_of(own="x")).status == 200
    assert engine.api.request("PUT", one, raw=tar_of(theirs="x")).status == 200
    assert docker.out("exec", "one", "stat", "-c", "%u:%g", "/tmp/own", "/tmp/theirs") == "65534:65534\n12:34"


def test_the_header_says_what_it_is(docker: Docker, engine: Engine) -> None:
    container(docker, "running")
    script = (
        "cd /root; echo hello >file; chmod 4750 file; ln -s file link; ln -s /root/../nowhere/./x broken; mkfifo fifo; "
        "mknod null c 1 3; mkdir dir; chmod 1777 dir; touch -d '2001-02-03 04:05:06' file; ln -s ../etc etc"
    )
    docker.out("exec", "one", "sh", "-c", script)
    file = stat_of(engine, "/root/file")
    assert (file["name"], file["size"], file["linkTarget"]) == ("file", 6, "")
    assert file["mode"] == 0o750 | 1 << 23
    assert str(file["mtime"]).startswith("2001-02-03T04:05:06")
    link = stat_of(engine, "root/link")
    assert (link["mode"], link["linkTarget"]) == (0o777 | 1 << 27, "/root/file")
    assert stat_of(engine, "/root/broken")["linkTarget"] == "/nowhere/x"
    assert stat_of(engine, "/root/fifo")["mode"] == 0o644 | 1 << 25
    assert stat_of(engine, "/root/null")["mode"] == 0o644 | 1 << 26 | 1 << 21
    assert stat_of(engine, "/root/dir")["mode"] == 0o777 | 1 << 20 | 1 << 31
    assert stat_of(engine, "/root/etc/")["mode"] == 0o755 | 1 << 31
    assert [stat_of(engine, path)["name"] for path in ("/", "/etc/", "/etc/.", "etc", "/root/etc/passwd")] == [
        "/",
        "etc",
        ".",
        "etc",
        "passwd",
    ]
    assert stat_of(engine, "/root/file", "GET")["size"] == 6


def test_events(docker: Docker, engine: Engine, here: Path) -> None:
    container(docker, "created", "--label", "team=blue")
    (here / "note").write_text("x")
    since = docker.out("info", "--format", "{{.SystemTime}}")
    docker.out("cp", "one:/etc/passwd", "out")
    docker.out("cp", "note", "one:/root")
    docker.out("export", "-o", "root.tar", "one")
    until = docker.out("info", "--format", "{{.SystemTime}}")
    shown = docker.lines("events", "--since", since, "--until", until, "--format", "{{.Action}} {{.Actor.Attributes}}")
    assert shown == [
        f"{action} map[image:busybox name:one team:blue]" for action in ("archive-path", "extract-to-dir", "export")
    ]


@pytest.mark.weft_only("what it leaves on the host")
def test_a_cancelled_copy_leaves_nothing(docker: Docker, engine: Engine) -> None:
    container(docker, "exited", "-v", "data:/data")
    before = mounts_of(engine)
    upper = next((engine.data_root / "containers").glob("*/upper"))
    head = tarfile.TarInfo("big")
    head.size = 1 << 30
    with docker.popen("cp", "-", "one:/root") as copying:
        assert copying.stdin is not None
        copying.stdin.write(head.tobuf() + bytes(1 << 20))
        copying.stdin.flush()
        eventually(lambda: list((upper / "root").glob(".weft-*")))
        copying.send_signal(signal.SIGKILL)
        copying.wait()
    eventually(lambda: not list((upper / "root").iterdir()))
    with docker.popen("cp", "one:/bin", "-") as copying:
        assert copying.stdout is not None
        copying.stdout.read(1000)
        copying.send_signal(signal.SIGKILL)
        copying.wait()
    eventually(lambda: not workers(engine))
    assert mounts_of(engine) == before
    docker.out("start", "one")
    assert docker.out("exec", "one", "ls", "/root") == ""


@pytest.mark.weft_only("the processes beside weftd")
def test_a_daemon_that_is_killed_takes_its_copies_along(docker: Docker, engine: Engine) -> None:
    container(docker, "running")
    upper = next((engine.data_root / "containers").glob("*/upper"))
    head = tarfile.TarInfo("big")
    head.size = 1 << 30
    with docker.popen("cp", "-", "one:/root") as copying, docker.popen("export", "one") as exporting:
        assert copying.stdin is not None
        assert exporting.stdout is not None
        exporting.stdout.read(1000)
        copying.stdin.write(head.tobuf() + bytes(1 << 20))
        copying.stdin.flush()
        eventually(lambda: list((upper / "root").glob(".weft-*")))
        processes = workers(engine)
        assert len(processes) == 2
        engine.kill()
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))
    assert not list((upper / "root").iterdir())
    engine.start()
    assert docker.out("exec", "one", "ls", "-A", "/root") == ""


def workers(engine: Engine) -> list[int]:
    """The processes that work on files for this engine's daemon."""
    assert engine.daemon is not None
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = re.search(r"^PPid:\t(\d+)", status.read_text(), re.MULTILINE)
            command = status.with_name("cmdline").read_text()
        except OSError:
            continue
        if parent and int(parent[1]) == engine.daemon.pid and "weft.runtime.files.worker" in command:
            found.append(int(status.parent.name))
    return found


@pytest.mark.weft_only("the memory of weftd")
def test_big_files_pass_through(docker: Docker, engine: Engine) -> None:
    container(docker, "running")
    size = 400 << 20
    docker.out("exec", "one", "truncate", "-s", str(size), "/root/big")
    assert engine.daemon is not None
    status = Path(f"/proc/{engine.daemon.pid}/status")

    def peak() -> int:
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        assert found
        return int(found[1]) << 10

    before = peak()
    copied = docker.shell("docker cp one:/root/big - | docker cp - one:/tmp")
    assert copied.returncode == 0, copied.stderr
    assert docker.out("exec", "one", "stat", "-c", "%s", "/tmp/big") == str(size)
    assert peak() - before < 64 << 20
    assert os.path.exists(status)
