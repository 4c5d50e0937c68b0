"""docker-py 7: archives out and in, export, diff, commit."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import docker as docker_py
import pytest
from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from rig.engine import Engine

# docker-py leaves the sockets of the streams it reads to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def client(engine: Engine) -> Iterator[DockerClient]:
    """A client as `docker.from_env()` makes it."""
    made = docker_py.DockerClient(base_url=engine.url, version="auto")
    yield made
    made.close()


@pytest.fixture
def container(client: DockerClient) -> Container:
    return client.containers.run("busybox", ["top"], name="one", detach=True)


def members(stream: Iterator[bytes]) -> dict[str, bytes]:
    """The regular files of a tar stream."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isreg()}
        return {name: file.read() for name, file in files.items() if file is not None}


def test_get_archive(container: Container) -> None:
    stream, stat = container.get_archive("/etc/passwd")
    found = members(stream)
    assert list(found) == ["passwd"]
    assert (stat["name"], stat["size"], stat["linkTarget"]) == ("passwd", len(found["passwd"]), "")
    stream, stat = container.get_archive("/etc", chunk_size=100)
    assert {"etc/passwd", "etc/group"} <= members(stream).keys()
    assert stat["mode"] & 1 << 31
    stream, _ = container.get_archive("/etc/passwd", encode_stream=True)
    assert list(members(stream)) == ["passwd"]
    with pytest.raises(NotFound, match="Could not find the file /nowhere"):
        container.get_archive("/nowhere")


def test_put_archive(container: Container) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        entry = tarfile.TarInfo("put/here")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    assert container.put_archive("/root", sink.getvalue()) is True
    assert container.exec_run("cat /root/put/here").output == b"hello"
    sink.seek(0)
    assert container.put_archive("/tmp", sink) is True
    assert container.exec_run("cat /tmp/put/here").output == b"hello"
    with pytest.raises(NotFound):
        container.put_archive("/nowhere", sink.getvalue())
    with pytest.raises(APIError, match="extraction point is not a directory"):
        container.put_archive("/etc/passwd", sink.getvalue())


def test_export_and_diff(container: Container) -> None:
    container.exec_run("sh -c 'echo 1 >/root/new; rm /etc/group'")
    assert {(change["Kind"], change["Path"]) for change in container.diff()} == {
        (0, "/root"),
        (1, "/root/new"),
        (0, "/etc"),
        (2, "/etc/group"),
    }
    exported = members(container.export())
    assert exported["root/new"] == b"1\n"
    assert "etc/group" not in exported
    container.stop(timeout=0)
    assert members(container.export(chunk_size=4096)) == exported


def test_commit(client: DockerClient, container: Container) -> None:
    container.exec_run("sh -c 'echo kept >/root/file'")
    image = container.commit("own/image", tag="3", message="why", author="me", changes=["CMD cat /root/file"])
    assert image.tags == ["own/image:3"]
    assert (image.attrs["Comment"], image.attrs["Author"]) == ("why", "me")
    assert image.history()[0]["Comment"] == "why"
    assert client.containers.run("own/image:3", remove=True) == b"kept\n"
    again = container.commit(changes='ENV A=1\nLABEL b="c d"', conf={"Cmd": ["env"]}, pause=False)
    assert again.labels == {"b": "c d"}
    assert b"A=1\n" in client.containers.run(again.id, remove=True)
    client.images.remove(again.id)
    client.images.remove("own/image:3")
