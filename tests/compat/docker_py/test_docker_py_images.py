"""Every public method that docker-py has for images: Image, ImageCollection, RegistryData, building, the low level."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient, DockerClient
from docker.api.build import BuildApiMixin
from docker.api.image import ImageApiMixin
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.images import Image, ImageCollection, RegistryData

from rig.walk import Walk


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Walk]:
    """What of docker-py's has been used in this file."""
    with Walk(Image, ImageCollection, RegistryData, ImageApiMixin, BuildApiMixin) as walk:
        yield walk


@pytest.fixture
def mine(client: DockerClient) -> Iterator[Image]:
    """`mine:one`, an image of one file; it is removed afterwards, by whatever names it then has."""
    client.api.import_image_from_data(root(), repository="mine", tag="one")
    image = client.images.get("mine:one")
    yield image
    for name in [tag for one in client.images.list() for tag in one.tags if "mine" in tag]:
        client.images.remove(name, force=True)


def root() -> bytes:
    """A root file system of one file."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        entry = tarfile.TarInfo("note")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"words"))
    return sink.getvalue()


def test_properties(client: DockerClient, mine: Image) -> None:
    assert (mine.tags, mine.labels) == (["mine:one"], {})
    assert mine.id.startswith(mine.short_id)
    assert len(mine.history()) == 1
    assert client.images.get(mine.short_id) == mine
    with pytest.raises(ImageNotFound, match="No such image"):
        client.images.get("nothing:here")


def test_tags_and_removal(client: DockerClient, low: APIClient, mine: Image) -> None:
    assert mine.tag("mine/other", tag="two") is True
    assert low.tag("mine:one", "mine", "three", force=True) is True
    mine.reload()
    assert sorted(mine.tags) == ["mine/other:two", "mine:one", "mine:three"]
    assert low.remove_image("mine:three") == [{"Untagged": "mine:three"}]
    client.images.remove("mine/other:two", noprune=True)
    with pytest.raises(APIError) as refused:
        mine.tag("UPPER")
    assert refused.value.status_code in (400, 500)
    mine.remove(force=True)
    with pytest.raises(NotFound):
        low.inspect_image("mine:one")
    with pytest.raises(NotFound):
        low.history("mine:one")


def test_used_images_stay(client: DockerClient, mine: Image) -> None:
    client.containers.create("mine:one", "/note", name="user")
    with pytest.raises(APIError, match=r"is using|being used") as refused:
        client.images.remove(mine.id)
    assert refused.value.status_code == 409


def test_lists(client: DockerClient, low: APIClient, mine: Image) -> None:
    assert mine in client.images.list()
    assert client.images.list(name="mine") == [mine]
    assert client.images.list(filters={"reference": "mine:*"}) == [mine]
    assert client.images.list(filters={"dangling": True}) == []
    assert mine.id in low.images(quiet=True, all=True)
    assert low.images(name="mine:one")[0]["RepoTags"] == ["mine:one"]
    assert low.inspect_image(mine.id)["RootFS"]["Type"] == "layers"


def test_save_and_load(client: DockerClient, low: APIClient, mine: Image) -> None:
    saved = b"".join(mine.save(named="mine:one"))
    by_name = b"".join(low.get_image("mine:one"))
    mine.remove(force=True)
    (loaded,) = client.images.load(saved)
    assert (loaded.id, loaded.tags) == (mine.id, ["mine:one"])
    loaded.remove(force=True)
    told = list(low.load_image(by_name, quiet=True))
    assert "Loaded image" in told[-1]["stream"]
    assert b"".join(client.images.get("mine:one").save())
    with pytest.raises(DockerException):
        client.images.load(b"no archive at all")


def test_imports(low: APIClient, client: DockerClient, mine: Image, tmp_path: Path) -> None:
    archive = tmp_path / "root.tar"
    archive.write_bytes(root())
    assert "sha256:" in low.import_image(str(archive), repository="mine", tag="path", changes=["ENV A=b"])
    assert "sha256:" in low.import_image_from_file(str(archive), repository="mine", tag="file")
    assert "sha256:" in low.import_image_from_stream(iter([root()]), repository="mine", tag="stream")
    assert client.images.get("mine:path").attrs["Config"]["Env"] == ["A=b"]
    assert client.images.get("mine:stream").tags == ["mine:stream"]
    with pytest.raises(DockerException):
        low.import_image()
    with pytest.raises(APIError):
        low.import_image_from_url("http://127.0.0.1:9/nothing.tar", repository="mine")
    # docker-py means "like FROM"; the API takes it for a pull.
    with pytest.raises(APIError):
        low.import_image_from_image("127.0.0.1:5000/no-such-image", repository="mine")


def test_pull(client: DockerClient, low: APIClient) -> None:
    assert client.images.pull("alpine").tags == ["alpine:latest"]
    assert client.images.pull("alpine", tag="latest", platform="linux/amd64").tags == ["alpine:latest"]
    assert [one.tags for one in client.images.pull("alpine", all_tags=True)] == [["alpine:latest"]]
    lines = list(low.pull("nginx", tag="latest", stream=True, decode=True))
    assert lines[-1]["status"].startswith("Status: ")
    with pytest.raises(NotFound):
        client.images.pull("127.0.0.1:5000/no-such-image", tag="latest")


def test_push(client: DockerClient, low: APIClient, mine: Image) -> None:
    mine.tag("127.0.0.1:5000/mine", tag="one")
    lines = list(client.images.push("127.0.0.1:5000/mine", tag="one", stream=True, decode=True))
    assert any("digest: sha256:" in line.get("status", "") for line in lines)
    assert "digest" in low.push("127.0.0.1:5000/mine:one")
    client.images.remove("127.0.0.1:5000/mine:one")
    pulled = client.images.pull("127.0.0.1:5000/mine", tag="one")
    assert pulled.id == mine.id


def test_the_registrys_data(client: DockerClient, low: APIClient, mine: Image) -> None:
    mine.tag("127.0.0.1:5000/mine", tag="one")
    client.images.push("127.0.0.1:5000/mine", tag="one")
    data = client.images.get_registry_data("127.0.0.1:5000/mine:one")
    assert data.id.startswith("sha256:")
    assert data.id.startswith(data.short_id)
    assert data.has_platform("linux/amd64") is True
    assert data.has_platform("linux/s390x") is False
    data.reload()
    assert data.pull().id == mine.id
    assert low.inspect_distribution("127.0.0.1:5000/mine:one")["Platforms"][0]["os"] == "linux"
    with pytest.raises(APIError):
        low.inspect_distribution("127.0.0.1:5000/no-such-image:one")


def test_search_needs_a_hub(client: DockerClient, low: APIClient) -> None:
    for search in (client.images.search, low.search):
        with pytest.raises(APIError):
            search("127.0.0.1:5000/anything", limit=3)


@pytest.mark.weft_only("building is left to other tools")
def test_building_is_refused_by_name(client: DockerClient, low: APIClient) -> None:
    with pytest.raises(APIError, match="build") as refused:
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\n"), tag="mine:built")
    assert refused.value.status_code == 501
    with pytest.raises(APIError, match="build"):
        list(low.build(fileobj=io.BytesIO(b"FROM busybox\n")))


@pytest.mark.reference_only("building")
def test_building(client: DockerClient, mine: Image) -> None:
    image, _ = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nENV A=b\n"), tag="mine:built")
    assert image.tags == ["mine:built"]


def test_prune(client: DockerClient, low: APIClient, mine: Image) -> None:
    mine.tag("mine", tag="two")
    client.images.remove("mine:one")
    assert low.prune_images(filters={"dangling": True})["SpaceReclaimed"] == 0
    assert client.images.prune()["ImagesDeleted"] in (None, [])
    assert client.images.get("mine:two") == mine
    for prune in (client.images.prune_builds, low.prune_builds):
        assert prune()["SpaceReclaimed"] == 0


def test_every_method_was_walked(walk: Walk) -> None:
    assert walk.left == set()
