"""`weft cp`, `diff`, `export` and `commit` do what docker's do, side by side on one engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.docker import Docker

pytestmark = pytest.mark.weft_only("the command is Weft's")
WEFT = str(Path(sys.executable).with_name("weft"))
# run in a fresh directory with `one` running: what docker and weft leave there, and in the container, is compared
COPIES = [
    "cp one:/etc/passwd .",
    "cp one:/etc/passwd renamed",
    "cp one:/etc/passwd there",
    "cp one:/etc/passwd there/",
    "cp one:/etc/passwd missing/",
    "cp one:/etc/passwd missing/x",
    "cp one:/src .",
    "cp one:/src renamed",
    "cp one:/src there",
    "cp one:/src/ there",
    "cp one:/src/. there",
    "cp one:/src/. renamed",
    "cp one:/src file",
    "cp one:src/sub/leaf file",
    "cp one:/src/link out",
    "cp -L one:/src/link out",
    "cp -L one:/src/link there",
    "cp one:/src/dirlink out",
    "cp -L one:/src/dirlink out",
    "cp one:/src/dirlink/ out",
    "cp one:/src/sub filelink",
    "cp one:/etc/passwd filelink",
    "cp one:/etc/passwd therelink",
    "cp one:/nowhere .",
    "cp one:/src there/deep",
    "cp nobody:/etc .",
    "cp file one:/root",
    "cp file one:/root/",
    "cp file one:/root/renamed",
    "cp file one:/root/missing/",
    "cp file one:/root/missing/x",
    "cp file one:/src/link",
    "cp file one:/src/dirlink",
    "cp file one:/src/broken",
    "cp there one:/root",
    "cp there one:/root/renamed",
    "cp there/ one:/root",
    "cp there/. one:/root",
    "cp there/. one:/root/renamed",
    "cp . one:/root/all",
    "cp there one:/etc/passwd",
    "cp filelink one:/root",
    "cp -L filelink one:/root",
    "cp -L filelink one:/root/renamed",
    "cp therelink one:/root",
    "cp -L therelink one:/root",
    "cp -a file one:/root",
    "cp nowhere one:/root",
    "cp file one:/dev/null",
    "cp file there",
    "cp one:/etc one:/root",
    "cp '' one:/root",
    "cp one:/src/sub - | tar -t",
    "cp one:/src/sub/. - | tar -t | sort",
    "tar -c there | @ cp - one:/root",
    "tar -c there | @ cp - one:/root/missing",
    "diff one",
    "diff nobody",
    "export one | tar -t | sort | head -40",
    "export -o root.tar one; tar -t -f root.tar | wc -l; rm -f root.tar",
    "export nobody",
    "commit nobody",
    "commit one UPPER",
    "commit --change 'RUN x' one",
]
SOURCE = (
    "rm -rf /src /root/* /root/.[a-z]*; mkdir -p /src/sub/empty; echo leaf >/src/sub/leaf; echo f >/src/file; "
    "ln -s file /src/link; ln -s sub /src/dirlink; ln -s /root/made /src/broken; chmod 640 /src/file; "
    "touch -d '2001-02-03 04:05:06' /src/sub/leaf"
)
LOOK = "cd / && find src root etc -exec stat -c '%n %F %a %s %N' {} + | sort; cat /src/file /root/* 2>/dev/null; true"


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """The newest CLI."""
    return docker_newest


@pytest.fixture
def place(docker: Docker) -> Iterator[Path]:
    """A directory that each of the two finds the same."""
    directory = docker.directory / "place"
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def prepare(docker: Docker, place: Path) -> None:
    """Make both sides what they are before each command."""
    shutil.rmtree(place, ignore_errors=True)
    (place / "there/deep").mkdir(parents=True)
    (place / "there/deep/leaf").write_text("deep leaf\n")
    (place / "file").write_text("a file\n")
    (place / "filelink").symlink_to("file")
    (place / "therelink").symlink_to("there")
    for path in (place / "file", place / "there/deep/leaf", place / "there/deep", place / "there"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    docker.out("exec", "one", "sh", "-c", SOURCE)


def state(docker: Docker, place: Path) -> tuple[list[str], str]:
    """All that is in the directory, and what the container has."""
    lines = []
    for path in sorted(place.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        lines.append(f"{path.relative_to(place)} {status.st_mode:o} {content}")
    return lines, docker.out("exec", "one", "sh", "-c", LOOK)


def test_as_docker_does(docker: Docker, place: Path) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    different = {}
    for line in COPIES:
        found = []
        for command in (docker.cli, WEFT):
            prepare(docker, place)
            done = typed(docker, place, line.replace("@", command) if "@" in line else f"{command} {line}")
            found.append((done.returncode, done.stdout, *state(docker, place), done.stderr))
        theirs, ours = found
        if theirs[:-1] != ours[:-1]:
            different[line] = found
    assert different == {}


def typed(docker: Docker, place: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Type a line into a shell."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        capture_output=True,
        text=True,
        env=docker.environment,
        cwd=place,
        timeout=60,
        check=False,
    )


def test_a_commit(docker: Docker, place: Path) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    place.mkdir()
    arguments = ("-m", "why", "-a", "who", "-c", "CMD echo it", "--pause=false", "one", "by:weft")
    done = subprocess.run(
        [WEFT, "commit", *arguments], capture_output=True, text=True, env=docker.environment, check=True
    )
    image = docker.inspect("image", "by:weft")
    assert (done.stdout.strip(), image["Comment"], image["Author"]) == (image["Id"], "why", "who")
    assert docker.out("run", "--rm", "by:weft") == "it"
    docker.out("rmi", "by:weft")
