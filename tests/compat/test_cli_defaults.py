"""What a container gets where its user said nothing: daemon.json's defaults; and what host mode cannot have."""

from __future__ import annotations

import re

import pytest

from rig.docker import Docker
from rig.engine import MakeEngine


def test_defaults_of_daemon_json(make_engine: MakeEngine) -> None:
    config = {"log-driver": "local", "log-opts": {"max-size": "1m"}, "default-shm-size": "8M"}
    docker = Docker(make_engine(config))
    assert docker.engine.api.need("GET", "/info")["LoggingDriver"] == "local"
    assert docker.out("run", "--name", "one", "busybox", "df", "-k", "/dev/shm").split()[-5] == "8192"
    given = docker.inspect("one")["HostConfig"]
    assert given["ShmSize"] == 8 << 20
    assert given["LogConfig"] == {"Type": "local", "Config": {"max-size": "1m"}}
    assert "8192" in docker.out("logs", "one")
    docker.out("create", "--name", "two", "--log-driver", "json-file", "--shm-size", "9m", "busybox")
    given = docker.inspect("two")["HostConfig"]
    assert (given["LogConfig"], given["ShmSize"]) == ({"Type": "json-file", "Config": {}}, 9 << 20)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--ip", "10.9.9.9"], "user[- ]specified IP address is supported on user[- ]defined networks only"),
        (["--mac-address", "02:42:ac:11:00:09"], "mac-address and the network mode|requires API version 1.44"),
    ],
)
def test_host_mode_has_no_address_of_its_own(docker: Docker, flags: list[str], text: str) -> None:
    done = docker("run", "--rm", "--network", "host", *flags, "busybox", "true")
    assert done.returncode == 125
    assert re.search(text, done.stderr)
    assert docker.out("ps", "-aq") == ""


@pytest.mark.weft_only("it knows runc alone")
@pytest.mark.parametrize("name", ["runc", "crun", "io.containerd.runc.v2"])
def test_a_runtime_by_name(docker_newest: Docker, name: str) -> None:
    docker_newest.out("run", "--name", "one", "--runtime", name, "busybox", "true")
    assert docker_newest.inspect("one")["HostConfig"]["Runtime"] == name
    assert "nvidia" in docker_newest.fails("create", "--runtime", "nvidia", "busybox")
    assert set(docker_newest.engine.api.need("GET", "/info")["Runtimes"]) == {"runc", "crun", "io.containerd.runc.v2"}


def test_saving_a_repository_takes_all_its_tags(docker_newest: Docker) -> None:
    for tag in ("one", "two"):
        docker_newest.out("tag", "busybox", f"several:{tag}")
    docker_newest.out("save", "-o", "several.tar", "several")
    docker_newest.out("rmi", "several:one", "several:two")
    loaded = docker_newest.lines("load", "-i", "several.tar")
    assert sorted(loaded) == ["Loaded image: several:one", "Loaded image: several:two"]
    docker_newest.out("rmi", "several:one", "several:two")
