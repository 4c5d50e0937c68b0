"""Every public method of docker-py's clients themselves, and what they ask the daemon: version, info, events, login."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import docker as docker_py
import pytest
from docker import APIClient, DockerClient
from docker.api.daemon import DaemonApiMixin
from docker.errors import APIError
from docker.models.resource import Collection, Model

from rig.engine import Engine
from rig.eventually import eventually
from rig.walk import Walk

# What each collection has an own one of.
OVERRIDDEN = {"Collection.list", "Collection.get", "Collection.create"}


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Walk]:
    """What of docker-py's has been used in this file."""
    with Walk(DockerClient, APIClient, DaemonApiMixin, Model, Collection) as walk:
        yield walk


def test_ways_to_make_a_client(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "lab")
    (tmp_path / "config.json").write_text("{}")
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"lab").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": "lab", "Metadata": {}, "Endpoints": {"docker": {"Host": engine.url}}}))
    for made in (DockerClient.from_env(), docker_py.from_env(version="1.41"), DockerClient.from_context()):
        assert made.ping() is True
        made.close()
    oldest = APIClient(base_url=engine.url, version="1.24")
    assert oldest.version()["ApiVersion"] == oldest.version(api_version=False)["ApiVersion"]
    oldest.close()
    with pytest.raises(APIError, match=r"too new|too old") as refused:
        APIClient(base_url=engine.url, version="1.99").version()
    assert refused.value.status_code == 400


def test_the_low_level_client(low: APIClient, engine: Engine, tmp_path: Path) -> None:
    assert low.api_version == ("1.41" if engine.reference else "1.51")
    assert low.get_adapter("http+docker://localhost") is not None
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {"registry.example.com": {"auth": "bWU6c2VjcmV0"}}}))
    low.reload_config(str(config))
    assert low.login("me", registry="registry.example.com")["username"] == "me"


def test_version_info_and_ping(client: DockerClient, low: APIClient, engine: Engine) -> None:
    assert client.version()["Os"] == low.version()["Os"] == "linux"
    assert client.info()["Name"] == low.info()["Name"] == engine.host.hostname
    assert client.ping() is low.ping() is True


def test_login(client: DockerClient, engine: Engine) -> None:
    """A registry that asks for no password takes any; one that is not there is an error."""
    assert client.login("me", "secret", registry="http://127.0.0.1:5000")["Status"] == "Login Succeeded"
    with pytest.raises(APIError):
        client.login("me", "secret", registry="http://127.0.0.1:9", reauth=True)


def test_collections(client: DockerClient) -> None:
    """Each collection of the client is one, and models of a container compare by their id."""
    assert client.containers.list() == client.volumes.list() == client.images.list(name="nothing") == []
    assert {network.name for network in client.networks.list()} == {"bridge", "host", "none"}
    assert client.plugins.list() == []
    for collection in (client.configs, client.secrets, client.services, client.nodes):
        with pytest.raises(APIError, match="swarm manager") as refused:
            collection.list()
        assert refused.value.status_code == 503
    assert client.swarm.attrs == {}
    container = client.containers.create("busybox", "true")
    container.reload()
    assert container.id.startswith(container.short_id)
    assert client.containers.prepare_model({"Id": container.id}) == container


def test_events(client: DockerClient, low: APIClient) -> None:
    started = client.containers.run("busybox", "true", detach=True, labels={"a": "b"})
    started.wait()
    told: list[tuple[str, str]] = []
    events = low.events(since=1, decode=True, filters={"type": "container", "label": "a=b"})

    def listen() -> None:
        for event in events:
            told.append((event["Action"], event["Actor"]["ID"]))

    listener = threading.Thread(target=listen)
    listener.start()
    eventually(lambda: told == [(action, started.id) for action in ("create", "start", "die")])
    started.remove()
    eventually(lambda: told[-1] == ("destroy", started.id))
    events.close()
    listener.join(10)
    past = b"".join(chunk if isinstance(chunk, bytes) else chunk.encode() for chunk in client.events(since=1, until=2))
    assert past == b""


def test_disk_usage(client: DockerClient, low: APIClient) -> None:
    client.volumes.create("data")
    container = client.containers.create("busybox", ["true"], volumes=["data:/data"])
    used = client.df()
    assert {"Images", "Containers", "Volumes", "LayersSize"} <= used.keys()
    assert [one["Id"] for one in used["Containers"]] == [container.id]
    assert [(one["Name"], one["UsageData"]["RefCount"]) for one in used["Volumes"]] == [("data", 1)]
    assert low.df()["LayersSize"] > 0


def test_every_method_was_walked(walk: Walk) -> None:
    assert walk.left == OVERRIDDEN
