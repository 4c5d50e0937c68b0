"""docker commit: a container's files and configuration become an image."""

from __future__ import annotations

import json

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


@pytest.fixture(autouse=True)
def _images_stay(docker: Docker) -> object:
    """Images that a test makes go with it."""
    before = set(docker.lines("images", "-aq", "--no-trunc"))
    yield
    engine = docker.engine
    engine.sweep()
    for image in set(docker.lines("images", "-aq", "--no-trunc")) - before:
        docker.out("rmi", "-f", image)


_OF_CONTAINERS = ("Hostname", "Image", "AttachStdout", "AttachStderr")


def config_of(docker: Docker, image: str) -> dict[str, object]:
    """What of an image's configuration is set."""
    config = docker.inspect("image", image)["Config"]
    return {name: value for name, value in config.items() if value and name not in _OF_CONTAINERS}


@pytest.mark.parametrize("state", ["created", "running", "exited"])
def test_files_and_history(docker: Docker, state: str) -> None:
    script = (
        "echo new >/root/new; rm /etc/group; rm -r /usr/share/nginx/html; mkdir /usr/share/nginx/html; "
        "ln /root/new /root/hard; chown 5:6 /root/new; chmod 4755 /root/new; mknod /root/null c 1 3; top"
    )
    docker.out("create", "--name", "one", "-v", "data:/data", "nginx", "sh", "-c", script)
    if state != "created":
        docker.out("start", "one")
        docker.out("exec", "one", "sh", "-c", "until [ -e /root/null ]; do sleep 0.05; done; echo v >/data/in-volume")
    if state == "exited":
        docker.out("kill", "one")
    before = docker.inspect("image", "nginx")["RootFS"]["Layers"]
    made = docker.out("commit", "-m", "what I did", "-a", "me <me@example.net>", "one", "own/kept:2")
    assert made.startswith("sha256:")
    image = docker.inspect("image", "own/kept:2")
    assert (image["Id"], image["Author"], image["Comment"]) == (made, "me <me@example.net>", "what I did")
    assert image["RootFS"]["Layers"][: len(before)] == before
    assert len(image["RootFS"]["Layers"]) == len(before) + (state != "created")
    first = json.loads(docker.lines("history", "--no-trunc", "--format", "{{json .}}", "own/kept:2")[0])
    assert (first["Comment"], first["CreatedBy"]) == ("what I did", f"sh -c {script}")
    docker.out("rm", "-f", "one")
    if state != "created":
        shown = docker.out(
            *("run", "--rm", "own/kept:2", "sh", "-c"),
            "cat /root/new; stat -c '%a %u:%g %h' /root/hard; stat -c '%F %t %T' /root/null; "
            "ls /etc/group /usr/share/nginx/html /data 2>&1 | grep -v ^ls; cat /root/.. 2>/dev/null; ls -A /data",
        )
        assert shown.splitlines()[:3] == ["new", "4755 5:6 2", "character special file 1 3"]
        assert "in-volume" not in shown
        assert "group" not in shown.replace("/etc/group:", "")
        assert "index.html" not in shown


def test_configuration_and_changes(docker: Docker, engine: Engine) -> None:
    docker.out(
        *("create", "--name", "one", "--label", "a=1", "-e", "MINE=yes", "--user", "nobody", "-w", "/tmp"),
        *("--expose", "99/udp", "-v", "/anonymous", "--stop-signal", "SIGINT", "--health-cmd", "true"),
        *("--health-interval", "5s", "nginx", "sh", "-c", "top"),
    )
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    docker.out("commit", "one", "plain")
    assert config_of(docker, "plain") == {
        "User": "nobody",
        "ExposedPorts": {"80/tcp": {}, "99/udp": {}},
        "Env": ["MINE=yes", path],
        "Cmd": ["sh", "-c", "top"],
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000},
        "Volumes": {"/anonymous": {}},
        "WorkingDir": "/tmp",
        "Labels": {"a": "1"},
        "StopSignal": "SIGINT",
    }
    changes = [
        'ENTRYPOINT ["echo", "hello"]',
        "ENV MINE=no MORE=$MINE",
        "EXPOSE 81",
        "LABEL b='2 3'",
        "USER root",
        "WORKDIR sub",
        "VOLUME /more",
        'HEALTHCHECK --timeout=3s CMD ["ask"]',
        "ONBUILD RUN make",
        *(() if engine.reference else ("STOPSIGNAL SIGTERM",)),  # newer than API 1.41
    ]
    docker.out("commit", *(f"--change={change}" for change in changes), "one", "changed")
    assert config_of(docker, "changed") == {
        "User": "root",
        "ExposedPorts": {"80/tcp": {}, "81/tcp": {}, "99/udp": {}},
        "Env": ["MINE=no", path, "MORE=yes"],
        "Entrypoint": ["echo", "hello"],
        "Healthcheck": {"Test": ["CMD", "ask"], "Interval": 5_000_000_000, "Timeout": 3_000_000_000},
        "Volumes": {"/anonymous": {}, "/more": {}},
        "WorkingDir": "/tmp/sub",
        "Labels": {"a": "1", "b": "2 3"},
        "StopSignal": "SIGINT" if engine.reference else "SIGTERM",
        "OnBuild": ["RUN make"],
    }
    assert docker.out("run", "--rm", "changed") == "hello"
    assert docker.out("run", "--rm", "--entrypoint", "pwd", "changed") == "/tmp/sub"


def test_a_configuration_in_the_body(docker: Docker, engine: Engine) -> None:
    docker.out("create", "--name", "one", "--label", "a=1", "busybox", "top")
    body = {"Cmd": ["echo", "from the body"], "Labels": {"b": "2"}, "Env": ["X=y"]}
    made = engine.api.request("POST", "/commit?container=one&repo=body&changes=USER+nobody", body)
    assert made.status == 201, made.body
    config = config_of(docker, "body")
    assert (config["Cmd"], config["Labels"], config["User"]) == (
        ["echo", "from the body"],
        {"a": "1", "b": "2"},
        "nobody",
    )
    assert docker.out("run", "--rm", "body") == "from the body"


def test_it_is_paused_meanwhile(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    since = docker.out("info", "--format", "{{.SystemTime}}")
    image = docker.out("commit", "-m", "why", "one", "kept")
    docker.out("commit", "--pause=false", "one")
    until = docker.out("info", "--format", "{{.SystemTime}}")
    assert docker.inspect("one")["State"]["Status"] == "running"
    seen = [
        json.loads(line)
        for line in docker.lines("events", "--since", since, "--until", until, "--format", "{{json .}}")
        if json.loads(line)["Type"] == "container" or json.loads(line)["Action"] == "tag"
    ]
    assert [event["Action"] for event in seen] == ["pause", "tag", "commit", "unpause", "commit"]
    committed = next(event for event in seen if event["Action"] == "commit")["Actor"]["Attributes"]
    assert committed == {
        "comment": "why",
        "image": "busybox",
        "imageID": image,
        "imageRef": "kept:latest",
        "name": "one",
    }


def test_committed_images_are_saved_loaded_and_committed_again(docker: Docker, engine: Engine) -> None:
    docker.out("run", "--name", "one", "busybox", "sh", "-c", "echo 1 >/root/one")
    docker.out("commit", "one", "first")
    docker.out("run", "--name", "two", "first", "sh", "-c", "echo 2 >/root/two; rm /root/one")
    second = docker.out("commit", "two", "second")
    archive = docker.directory / "second.tar"
    docker.out("save", "-o", archive, "second")
    engine.sweep()
    docker.out("rmi", "second", "first")
    docker.out("load", "-i", archive)
    archive.unlink()
    assert docker.inspect("image", "second")["Id"] == second
    assert docker.out("run", "--rm", "second", "ls", "/root") == "two"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("one", "UPPER"), "must be lowercase"),
        (("nobody", "x"), "No such container: nobody"),
        (("--change=RUN x", "one"), "is not a valid change command"),
        (("--change=EXPOSE 99999", "one"), "nvalid containerPort"),
        (("one", "x@sha256:" + "0" * 64), "digest|invalid"),
    ],
)
def test_what_is_refused_leaves_nothing(docker: Docker, arguments: tuple[str, ...], words: str) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    before = sorted(docker.lines("images", "-aq"))
    refusal = docker.fails("commit", *arguments)
    assert any(word in refusal for word in words.split("|")), refusal
    assert sorted(docker.lines("images", "-aq")) == before
    eventually(lambda: docker.inspect("one")["State"]["Status"] == "running")


@pytest.mark.weft_only("what it leaves on disk")
def test_a_crash_while_committing(docker: Docker, engine: Engine) -> None:
    docker.out("run", "--name", "one", "busybox", "sh", "-c", "truncate -s 300M /root/big")
    layers = set((engine.data_root / "layers").iterdir())
    with docker.popen("commit", "one", "never"):
        eventually(lambda: list((engine.data_root / "images/work").glob("commit-*")))
        engine.kill()
    engine.start()
    assert "never" not in docker.out("images")
    assert list((engine.data_root / "images/work").glob("commit-*")) == []
    assert set((engine.data_root / "layers").iterdir()) == layers
    docker.out("start", "-a", "one")
