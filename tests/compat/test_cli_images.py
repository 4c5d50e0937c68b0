"""Images: pull, push, load, save, import, tag, ls, inspect, history, rm."""

from __future__ import annotations

import json
import re

import pytest

from rig.docker import Docker


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def test_pull_by_the_names_everybody_types(docker: Docker) -> None:
    shown = docker.out("pull", "alpine")
    assert "latest: Pulling from library/alpine" in shown
    assert re.search(r"Digest: sha256:[0-9a-f]{64}", shown)
    assert "Status: Image is up to date for alpine:latest" in shown
    assert shown.splitlines()[-1] == "docker.io/library/alpine:latest"
    assert docker.inspect("image", "docker.io/library/alpine")["RepoTags"] == ["alpine:latest"]


def test_pull_shows_each_layer(docker: Docker) -> None:
    docker.out("tag", "alpine", "127.0.0.1:5000/team/mine:one")
    assert re.search(r"one: digest: sha256:[0-9a-f]{64} size: \d+", docker.out("push", "127.0.0.1:5000/team/mine:one"))
    docker.out("rmi", "127.0.0.1:5000/team/mine:one", "alpine")
    shown = docker.out("pull", "127.0.0.1:5000/team/mine:one")
    assert "Status: Downloaded newer image for 127.0.0.1:5000/team/mine:one" in shown
    assert len(re.findall(r"^[0-9a-f]{12}: Pull complete|^[0-9a-f]{12}: Already exists", shown, re.MULTILINE)) == 2
    docker.out("rmi", "127.0.0.1:5000/team/mine:one")
    docker.out("pull", "alpine")


def test_pull_what_is_not_there(docker: Docker) -> None:
    refusal = docker.fails("pull", "127.0.0.1:5000/no/such:thing")
    assert re.search("manifest unknown|not found", refusal)
    assert docker.fails("pull", "Bad Name").count("invalid reference format") == 1


def test_by_digest(docker: Docker) -> None:
    digest = next(one for one in docker.inspect("image", "alpine")["RepoDigests"] if one.startswith("alpine@"))
    assert docker.inspect("image", digest)["Id"] == docker.inspect("image", "alpine")["Id"]
    assert docker.out("run", "--rm", digest, "echo", "fine") == "fine"


def test_save_and_load(docker: Docker) -> None:
    docker.out("tag", "busybox", "mine:one")
    docker.out("save", "-o", "mine.tar", "mine:one")
    identity = docker.inspect("image", "mine:one")["Id"]
    docker.out("rmi", "mine:one")
    assert docker.out("load", "-i", "mine.tar") == "Loaded image: mine:one"
    assert docker.inspect("image", "mine:one")["Id"] == identity
    docker.out("rmi", "mine:one")


def test_load_nonsense(docker: Docker) -> None:
    (docker.directory / "nonsense.tar").write_bytes(b"nonsense" * 1000)
    assert docker("load", "-i", "nonsense.tar").returncode != 0


@pytest.mark.reference_only("docker export")
def test_export_and_import(docker: Docker) -> None:
    docker.out("create", "--name", "one", "busybox", "true")
    docker.out("export", "-o", "root.tar", "one")
    docker.out("import", "-c", "CMD echo imported", "root.tar", "flat:one")
    assert docker.out("run", "--rm", "flat:one") == "imported"
    docker.out("rmi", "flat:one")


def test_tags_and_removal(docker: Docker) -> None:
    docker.out("tag", "busybox", "mine:one")
    docker.out("tag", "mine:one", "mine:two")
    assert docker.lines("images", "--format", "{{.Tag}}", "mine") in (["one", "two"], ["two", "one"])
    assert docker.out("rmi", "mine:one") == "Untagged: mine:one"
    docker.out("create", "--name", "user", "mine:two")
    docker.out("rmi", "mine:two")
    assert re.search("No such image: mine:two", docker.fails("image", "rm", "mine:two"))
    identity = docker.inspect("image", "busybox")["Id"]
    assert re.search("conflict: unable to (delete|remove)", docker.fails("rmi", identity))
    assert docker.fails("tag", "busybox", "Bad/Name:x").count("invalid reference format") == 1
    assert "No such image" in docker.fails("tag", "nosuch", "other:one")


def test_listing(docker: Docker) -> None:
    identity = docker.inspect("image", "busybox")["Id"]
    assert docker.out("images", "-q", "--no-trunc", "busybox:latest") == identity
    assert docker.out("images", "-q", "busybox:latest") == identity.removeprefix("sha256:")[:12]
    assert docker.lines("images", "--filter", "reference=busy*", "--format", "{{.Repository}}:{{.Tag}}") == [
        "busybox:latest"
    ]
    assert docker.out("images", "--filter", "dangling=true", "-q") == ""
    shown = json.loads(docker.out("images", "--format", "{{json .}}", "busybox"))
    assert re.fullmatch(r"[\d.]+MB", shown["Size"])


def test_inspect_and_history(docker: Docker) -> None:
    image = docker.inspect("image", "nginx")
    assert image["Config"]["ExposedPorts"] == {"80/tcp": {}}
    assert image["Config"]["StopSignal"] == "SIGQUIT"
    assert image["Config"]["Cmd"] == ["nginx", "-g", "daemon off;"]
    assert (image["Architecture"], image["Os"]) == ("amd64", "linux")
    assert len(image["RootFS"]["Layers"]) == 2
    assert docker.lines("history", "--format", "{{.CreatedBy}}", "nginx") == ["layer 1", "layer 0"]


def test_no_such_image(docker: Docker) -> None:
    assert re.search("[Nn]o such image: nosuch", docker.fails("image", "inspect", "nosuch"))
    assert re.search("[Nn]o such image: nosuch", docker.fails("history", "nosuch"))


@pytest.mark.weft_only("Docker builds")
def test_build_says_what_to_use_instead(docker: Docker) -> None:
    (docker.directory / "Dockerfile").write_text("FROM busybox\n")
    answer = docker.engine.api.request("POST", "/build", raw=b"", headers={"Content-Type": "application/x-tar"})
    assert answer.status == 501
    assert re.search("podman|buildah|buildkit|kaniko", answer.message.lower())
