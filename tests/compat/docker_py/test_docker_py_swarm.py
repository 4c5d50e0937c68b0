"""Every public method that docker-py has for swarms, nodes, services, secrets and configs, on an engine in no swarm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docker import APIClient, DockerClient
from docker.api.config import ConfigApiMixin
from docker.api.secret import SecretApiMixin
from docker.api.service import ServiceApiMixin
from docker.api.swarm import SwarmApiMixin
from docker.errors import APIError
from docker.models.configs import Config, ConfigCollection
from docker.models.nodes import Node, NodeCollection
from docker.models.secrets import Secret, SecretCollection
from docker.models.services import Service, ServiceCollection
from docker.models.swarm import Swarm
from docker.types import ContainerSpec, TaskTemplate

from rig.engine import Engine
from rig.walk import Walk

NOT_A_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm '
    "and try again."
)


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Walk]:
    """What of docker-py's has been used in this file."""
    with Walk(
        *(Swarm, SwarmApiMixin, Node, NodeCollection),
        *(Service, ServiceCollection, ServiceApiMixin),
        *(Secret, SecretCollection, SecretApiMixin, Config, ConfigCollection, ConfigApiMixin),
    ) as walk:
        yield walk


def refused(act: Callable[[], Any]) -> None:
    """Check that this is refused as an engine outside of a swarm refuses it."""
    with pytest.raises(APIError) as error:
        act()
    assert (error.value.status_code, error.value.explanation) == (503, NOT_A_MANAGER)


def test_swarm(client: DockerClient, low: APIClient) -> None:
    swarm = client.swarm
    for act in (swarm.reload, swarm.get_unlock_key, low.inspect_swarm, low.get_unlock_key):
        refused(act)
    for act in (lambda: swarm.leave(), lambda: low.leave_swarm(force=False)):
        with pytest.raises(APIError, match="not part of a swarm") as error:
            act()
        assert error.value.status_code == 503
    spec = low.create_swarm_spec(snapshot_interval=5000, log_entries_for_slow_followers=1200)
    swarm.attrs = {"Version": {"Index": 1}}
    assert swarm.version == 1
    refused(lambda: swarm.update(name="mine"))
    refused(lambda: low.update_swarm(1, swarm_spec=spec))
    key = "SWMKEY-1-7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZu8"
    for unlock in (swarm.unlock, low.unlock_swarm):
        with pytest.raises(APIError) as error:
            unlock({"UnlockKey": key})
        assert error.value.status_code in (409, 503)


@pytest.mark.weft_only("the reference engine would make or look for a swarm")
def test_no_swarm_is_made_or_joined(client: DockerClient, low: APIClient) -> None:
    for act in (
        lambda: client.swarm.init(advertise_addr="127.0.0.1"),
        lambda: low.init_swarm(advertise_addr="127.0.0.1"),
        lambda: client.swarm.join(remote_addrs=["127.0.0.1:2377"], join_token="SWMTKN-1-a-b"),
        lambda: low.join_swarm(["127.0.0.1:2377"], "SWMTKN-1-a-b"),
    ):
        with pytest.raises(APIError, match="swarm mode is not supported") as error:
            act()
        assert error.value.status_code == 501
    assert client.info()["Swarm"]["LocalNodeState"] == "inactive"


def test_nodes(client: DockerClient, low: APIClient) -> None:
    node = client.nodes.prepare_model({"ID": "abc", "Version": {"Index": 3}})
    assert (node.id, node.version) == ("abc", 3)
    refused(lambda: node.update({"Availability": "drain"}))
    refused(lambda: node.remove(force=True))
    refused(client.nodes.list)
    refused(lambda: client.nodes.get("abc"))
    refused(low.nodes)
    refused(lambda: low.inspect_node("abc"))
    refused(lambda: low.remove_node("abc"))
    refused(lambda: low.update_node("abc", 3, {"Role": "manager"}))


def test_services(client: DockerClient, low: APIClient) -> None:
    attrs = {
        "ID": "abc",
        "Version": {"Index": 3},
        "Spec": {
            "Name": "web",
            "Mode": {"Replicated": {"Replicas": 1}},
            "TaskTemplate": {"ContainerSpec": {"Image": "busybox"}},
        },
    }
    service = client.services.prepare_model(attrs)
    assert (service.name, service.version) == ("web", 3)
    for act in (
        service.remove,
        service.tasks,
        lambda: service.update(image="busybox"),
        lambda: service.logs(stdout=True),
        lambda: service.scale(2),
        service.force_update,
        lambda: client.services.create("busybox", command=["true"]),
        lambda: client.services.get("abc"),
        client.services.list,
        lambda: low.create_service(TaskTemplate(ContainerSpec("busybox")), name="web"),
        lambda: low.inspect_service("abc"),
        lambda: low.inspect_task("abc"),
        lambda: low.remove_service("abc"),
        low.services,
        lambda: low.service_logs("abc", stdout=True),
        low.tasks,
        lambda: low.update_service("abc", 3, name="web"),
    ):
        refused(act)


def test_secrets(client: DockerClient, low: APIClient) -> None:
    secret = client.secrets.prepare_model({"ID": "abc", "Spec": {"Name": "key"}})
    assert secret.name == "key"
    for act in (
        secret.remove,
        lambda: client.secrets.create(name="key", data=b"secret"),
        lambda: client.secrets.get("abc"),
        client.secrets.list,
        lambda: low.create_secret("key", b"secret"),
        lambda: low.inspect_secret("abc"),
        lambda: low.remove_secret("abc"),
        low.secrets,
    ):
        refused(act)


def test_configs(client: DockerClient, low: APIClient) -> None:
    config = client.configs.prepare_model({"ID": "abc", "Spec": {"Name": "site"}})
    assert config.name == "site"
    for act in (
        config.remove,
        lambda: client.configs.create(name="site", data=b"words"),
        lambda: client.configs.get("abc"),
        client.configs.list,
        lambda: low.create_config("site", b"words"),
        lambda: low.inspect_config("abc"),
        lambda: low.remove_config("abc"),
        low.configs,
    ):
        refused(act)


def test_every_method_was_walked(walk: Walk, engine: Engine) -> None:
    joining = {
        f"{owner}.{name}"
        for owner, names in (("Swarm", ("init", "join")), ("SwarmApiMixin", ("init_swarm", "join_swarm")))
        for name in names
    }
    assert walk.left == (joining if engine.reference else set())
