"""docker-py 7: the main flows by its API, at the version it negotiates."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Iterator

import docker as docker_py
import pytest
from docker import DockerClient
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

from rig.engine import Engine
from rig.eventually import eventually

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


def test_version_and_info(client: DockerClient, engine: Engine) -> None:
    assert client.ping() is True
    assert client.version()["ApiVersion"] == ("1.41" if engine.reference else "1.51")
    assert client.info()["Name"] == engine.host.hostname


def test_run_in_the_foreground(client: DockerClient) -> None:
    assert client.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"
    both = client.containers.run("busybox", "sh -c 'echo out; echo err >&2'", stderr=True, remove=True)
    assert sorted(both.splitlines()) == [b"err", b"out"]
    with pytest.raises(ContainerError) as failed:
        client.containers.run("busybox", ["sh", "-c", "echo trouble >&2; exit 3"], remove=True)
    assert failed.value.exit_status == 3
    assert failed.value.stderr == b"trouble\n"
    with pytest.raises(ImageNotFound):
        client.containers.create("no-such-image:nowhere")


def test_a_containers_life(client: DockerClient) -> None:
    container = client.containers.run(
        "busybox", ["sh", "-c", "trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done"], name="one", detach=True
    )
    eventually(lambda: container.logs() == b"up\n")
    assert container.status in ("created", "running")
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.rename("uno")
    assert client.containers.get("uno").id == container.id
    assert container.top()["Titles"][0] == "UID"
    container.stop(timeout=5)
    assert container.wait()["StatusCode"] == 4
    container.restart(timeout=0)
    container.kill()
    assert container.wait()["StatusCode"] == 137
    container.remove()
    with pytest.raises(NotFound):
        client.containers.get("uno")


def test_listing_with_filters(client: DockerClient) -> None:
    client.containers.run("busybox", "top", name="one", labels={"team": "blue"}, detach=True)
    client.containers.create("busybox", name="two")
    assert [one.name for one in client.containers.list()] == ["one"]
    assert {one.name for one in client.containers.list(all=True)} == {"one", "two"}
    assert [one.name for one in client.containers.list(filters={"label": "team=blue"})] == ["one"]
    assert [one.name for one in client.containers.list(all=True, filters={"status": ["created"]})] == ["two"]


def test_exec(client: DockerClient) -> None:
    container = client.containers.run("busybox", "top", detach=True)
    result = container.exec_run(["sh", "-c", "echo out; echo err >&2; exit 5"], demux=True)
    assert (result.exit_code, result.output) == (5, (b"out\n", b"err\n"))
    assert b"".join(container.exec_run("seq 1 3", stream=True).output) == b"1\n2\n3\n"
    result = container.exec_run("sh -c 'echo $A; pwd; id -u'", environment={"A": "b"}, workdir="/etc", user="nobody")
    assert result.output == b"b\n/etc\n65534\n"


def test_exec_over_a_socket(client: DockerClient) -> None:
    container = client.containers.run("busybox", "top", detach=True)
    opened = client.api.exec_create(container.id, "cat", stdin=True, tty=True)
    with client.api.exec_start(opened["Id"], tty=True, socket=True) as sock:
        sock._sock.sendall(b"typed\n")
        sock._sock.settimeout(5)
        shown = b""
        while shown.count(b"typed") < 2:
            shown += sock._sock.recv(100)
        sock._sock.close()


def test_attach_and_logs(client: DockerClient) -> None:
    container = client.containers.create("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"])
    lines = container.attach(stream=True, logs=True)
    container.start()
    assert b"".join(lines) == b"1\n2\n3\n"
    assert b"".join(container.logs(stream=True, follow=True)) == b"1\n2\n3\n"
    assert container.logs(tail=1) == b"3\n"
    assert container.logs(timestamps=True).count(b"Z ") == 3


def test_networks(client: DockerClient) -> None:
    pool = docker_py.types.IPAMPool(subnet="10.77.0.0/16", gateway="10.77.0.254")
    network = client.networks.create("net", ipam=docker_py.types.IPAMConfig(pool_configs=[pool]), labels={"a": "b"})
    assert [one.name for one in client.networks.list(names=["net"])] == ["net"]
    container = client.containers.run("busybox", "top", name="one", detach=True)
    network.connect(container, aliases=["also"], ipv4_address="10.77.1.2")
    container.reload()
    assert container.attrs["NetworkSettings"]["Networks"]["net"]["IPAddress"] == "10.77.1.2"
    network.reload()
    assert [one.name for one in network.containers] == ["one"]
    answer = client.containers.run("busybox", "ping -c 1 also", network="net", remove=True)
    assert b"10.77.1.2" in answer
    with pytest.raises(APIError) as refused:
        network.remove()
    assert refused.value.status_code == 403
    network.disconnect(container)
    network.remove()
    assert client.networks.list(names=["net"]) == []


def test_ports(client: DockerClient, engine: Engine) -> None:
    script = "mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www"
    ports = {"80/tcp": ("127.0.0.1", 8080), "81/tcp": None, "82/udp": [8082, 8083]}
    container = client.containers.run("busybox", ["sh", "-c", script], ports=ports, detach=True)
    eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
    container.reload()
    assert container.ports["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "8080"}]
    assert int(container.ports["81/tcp"][0]["HostPort"]) >= 32768
    assert {one["HostPort"] for one in container.ports["82/udp"]} == {"8082", "8083"}


def test_volumes(client: DockerClient) -> None:
    volume = client.volumes.create("data", labels={"a": "b"})
    mounted = {"data": {"bind": "/data", "mode": "rw"}}
    client.containers.run("busybox", ["sh", "-c", "echo kept >/data/file"], volumes=mounted, remove=True)
    assert client.containers.run("busybox", ["cat", "/data/file"], volumes=mounted, remove=True) == b"kept\n"
    assert [one.name for one in client.volumes.list(filters={"label": "a=b"})] == ["data"]
    volume.remove()
    assert client.volumes.list() == []


def test_stats(client: DockerClient) -> None:
    container = client.containers.run("busybox", "top", name="one", detach=True)
    found = container.stats(stream=False)
    assert (found["id"], found["name"]) == (container.id, "/one")
    assert found["memory_stats"]["usage"] > 0
    stream = container.stats(decode=True)
    first, second = next(stream), next(stream)
    assert second["preread"] == first["read"]
    stream.close()


def test_archives(client: DockerClient) -> None:
    volume = client.volumes.create("data", labels={"a": "b"})
    container = client.containers.create(
        "busybox", ["cat", "/data/file"], volumes={"data": {"bind": "/data", "mode": "rw"}}
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"kept"))
    assert container.put_archive("/data", packed.getvalue()) is True
    container.start()
    container.wait()
    assert container.logs() == b"kept"
    stream, about = container.get_archive("/etc/passwd")
    assert about["name"] == "passwd"
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        assert archive.getnames() == ["passwd"]
    container.remove()
    volume.remove()
    assert client.volumes.list() == []


@pytest.mark.weft_only("it has these")
def test_what_is_refused_raises_and_names_it(client: DockerClient) -> None:
    with pytest.raises(APIError, match="search") as refused:
        client.images.search("busybox")
    assert refused.value.status_code == 501


def test_images(client: DockerClient) -> None:
    assert client.images.pull("alpine", tag="latest").tags == ["alpine:latest"]
    image = client.images.get("busybox")
    assert image.tag("mine", "one") is True
    saved = b"".join(client.images.get("mine:one").save(named="mine:one"))
    client.images.remove("mine:one")
    assert client.images.load(saved)[0].id == image.id
    client.images.remove("mine:one")
    with pytest.raises(ImageNotFound):
        client.images.get("mine:one")
    lines = list(client.api.pull("nginx", tag="latest", stream=True, decode=True))
    assert lines[-1]["status"].startswith("Status: ")


def test_events(client: DockerClient) -> None:
    told: list[str] = []
    asked = {"type": ["container"], "event": ["start", "die"], "container": ["told"]}
    events = client.events(decode=True, since=int(time.time()), filters=asked)

    def listen() -> None:
        for event in events:
            told.append(event["Action"])

    listener = threading.Thread(target=listen)
    listener.start()
    client.containers.run("busybox", "true", remove=True, name="told")
    eventually(lambda: told == ["start", "die"])
    events.close()
    listener.join(10)


def test_prune(client: DockerClient) -> None:
    client.containers.create("busybox", name="one")
    assert len(client.containers.prune()["ContainersDeleted"]) == 1
    client.networks.create("idle")
    assert client.networks.prune()["NetworksDeleted"] == ["idle"]


def test_wrong_requests_raise_the_right_errors(client: DockerClient) -> None:
    client.containers.create("busybox", name="one")
    for status, act in (
        (409, lambda: client.containers.create("busybox", name="one")),
        (400, lambda: client.containers.create("busybox", name="bad name")),
        (404, lambda: client.containers.get("nobody")),
        (404, lambda: client.networks.get("nobody")),
        (404, lambda: client.volumes.get("nobody")),
        (409, lambda: client.networks.create("twice") and client.networks.create("twice", check_duplicate=True)),
        (403, lambda: client.networks.create("host")),
    ):
        with pytest.raises(APIError) as refused:
            act()
        assert refused.value.status_code in (status, 409), refused.value
