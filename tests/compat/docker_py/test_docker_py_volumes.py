"""Every public method that docker-py has for volumes: Volume, VolumeCollection and the low-level mixin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker import APIClient, DockerClient
from docker.api.volume import VolumeApiMixin
from docker.errors import APIError, NotFound
from docker.models.volumes import Volume, VolumeCollection

from rig.engine import Engine
from rig.walk import Walk


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Walk]:
    """What of docker-py's has been used in this file."""
    with Walk(Volume, VolumeCollection, VolumeApiMixin) as walk:
        yield walk


def test_a_volumes_life(client: DockerClient) -> None:
    volume = client.volumes.create("data", driver="local", labels={"a": "b"})
    assert (volume.name, volume.id, volume.short_id) == ("data", "data", "data")
    assert client.volumes.create("data") == volume
    mounted = {"data": {"bind": "/data", "mode": "rw"}}
    client.containers.run("busybox", ["sh", "-c", "echo kept >/data/file"], volumes=mounted, remove=True)
    mounted = {"data": {"bind": "/data", "mode": "ro"}}
    assert client.containers.run("busybox", ["cat", "/data/file"], volumes=mounted, remove=True) == b"kept\n"
    client.containers.create("busybox", volumes=["data:/data"], name="one")
    with pytest.raises(APIError, match="volume is in use") as refused:
        volume.remove()
    assert refused.value.status_code == 409
    client.containers.get("one").remove()
    volume.remove()
    with pytest.raises(NotFound, match="no such volume"):
        volume.reload()


def test_an_anonymous_volume_and_refusals(client: DockerClient) -> None:
    assert len(client.volumes.create().name) == 64
    with pytest.raises(APIError):
        client.volumes.create("bad", driver_opts={"colour": "red"})
    with pytest.raises(APIError, match="no-such-driver"):
        client.volumes.create("bad", driver="no-such-driver")
    with pytest.raises(APIError, match=r"only .*are allowed") as refused:
        client.volumes.create("bad name")
    assert refused.value.status_code == 400


def test_lists(client: DockerClient, low: APIClient) -> None:
    for name in ("one", "two"):
        low.create_volume(name, labels={"n": name})
    client.containers.create("busybox", volumes=["one:/data"])
    assert {volume.name for volume in client.volumes.list()} == {"one", "two"}
    assert [volume.name for volume in client.volumes.list(filters={"dangling": True})] == ["two"]
    assert [one["Name"] for one in low.volumes(filters={"label": "n=one"})["Volumes"]] == ["one"]
    assert low.inspect_volume("one")["Labels"] == {"n": "one"}
    assert client.volumes.get("two").attrs["Scope"] == "local"
    with pytest.raises(NotFound):
        client.volumes.get("nobody")


def test_prune(client: DockerClient, low: APIClient, engine: Engine) -> None:
    low.create_volume("one", labels={"n": "one"})
    low.create_volume("two")
    # From API 1.42 on only anonymous ones are pruned, unless all are asked for.
    named = {} if engine.reference else {"all": "true"}
    assert low.prune_volumes(filters={**named, "label": "n=one"})["VolumesDeleted"] == ["one"]
    assert client.volumes.prune(filters=named)["VolumesDeleted"] == ["two"]
    low.create_volume("three")
    low.remove_volume("three", force=True)
    with pytest.raises(NotFound):
        low.remove_volume("three")


def test_every_method_was_walked(walk: Walk) -> None:
    assert walk.left == set()
