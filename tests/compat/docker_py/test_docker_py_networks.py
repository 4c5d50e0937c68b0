"""Every public method that docker-py has for networks: Network, NetworkCollection and the low-level mixin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker import APIClient, DockerClient
from docker.api.network import NetworkApiMixin
from docker.errors import APIError, NotFound
from docker.models.networks import Network, NetworkCollection
from docker.types import IPAMConfig, IPAMPool

from rig.engine import Engine
from rig.walk import Walk

POOL = IPAMPool(
    subnet="10.77.0.0/16", iprange="10.77.5.0/24", gateway="10.77.0.254", aux_addresses={"router": "10.77.5.1"}
)
POOL6 = IPAMPool(subnet="fd00:77::/64")


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Walk]:
    """What of docker-py's has been used in this file."""
    with Walk(Network, NetworkCollection, NetworkApiMixin) as walk:
        yield walk


def test_create_with_everything(client: DockerClient, engine: Engine) -> None:
    network = client.networks.create(
        "net",
        driver="bridge",
        options={"com.docker.network.bridge.name": "br-mine", "com.docker.network.driver.mtu": "1400"},
        ipam=IPAMConfig(pool_configs=[POOL, POOL6]),
        check_duplicate=True,
        internal=True,
        labels={"a": "b"},
        enable_ipv6=True,
        attachable=True,
        scope="local",
    )
    network.reload()
    attrs = network.attrs
    assert (network.name, attrs["Driver"], attrs["Scope"]) == ("net", "bridge", "local")
    assert (attrs["Internal"], attrs["EnableIPv6"], attrs["Attachable"]) == (True, True, True)
    assert attrs["Labels"] == {"a": "b"}
    assert attrs["IPAM"]["Config"][0] == {
        "Subnet": "10.77.0.0/16",
        "IPRange": "10.77.5.0/24",
        "Gateway": "10.77.0.254",
        "AuxiliaryAddresses": {"router": "10.77.5.1"},
    }
    assert "state DOWN" in engine.host.output("ip", "link", "show", "br-mine")
    container = client.containers.run("busybox", ["sleep", "600"], network="net", detach=True)
    container.reload()
    assert container.attrs["NetworkSettings"]["Networks"]["net"]["IPAddress"].startswith("10.77.5.")
    assert b"mtu 1400" in container.exec_run("ip link show eth0").output


def test_lists(client: DockerClient, low: APIClient) -> None:
    made = [client.networks.create(name, labels={"n": name}) for name in ("first", "second")]
    assert {one.name for one in client.networks.list()} == {"bridge", "host", "none", "first", "second"}
    assert client.networks.list(names=["first"]) == [made[0]]
    assert client.networks.list(ids=[made[1].id]) == [made[1]]
    assert client.networks.list(filters={"label": "n=second"}) == [made[1]]
    assert client.networks.list(filters={"type": "custom", "driver": "bridge"}) != []
    assert client.networks.list(names=["first"], greedy=True)[0].containers == []
    assert [one["Id"] for one in low.networks(names=["second"])] == [made[1].id]
    assert low.inspect_network("bridge", scope="local", verbose=True)["Name"] == "bridge"
    assert client.networks.get(made[0].short_id).name == "first"
    with pytest.raises(NotFound, match="network nobody not found"):
        client.networks.get("nobody")
    with pytest.raises(APIError) as refused:
        client.networks.list(filters={"colour": "red"})
    assert refused.value.status_code == 400


def test_connect_and_disconnect(client: DockerClient, low: APIClient) -> None:
    network = client.networks.create(
        "net", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet="10.77.0.0/24"), POOL6]), enable_ipv6=True
    )
    box = client.containers.run("busybox", ["sleep", "600"], name="one", detach=True)
    other = client.containers.run("busybox", ["sleep", "600"], name="other", network="net", detach=True)
    network.connect(
        box,
        aliases=["also"],
        ipv4_address="10.77.0.9",
        ipv6_address="fd00:77::9",
        links=[("other", "friend")],
    )
    box.reload()
    endpoint = box.attrs["NetworkSettings"]["Networks"]["net"]
    assert (endpoint["IPAddress"], endpoint["GlobalIPv6Address"]) == ("10.77.0.9", "fd00:77::9")
    assert "also" in endpoint["Aliases"]
    assert other.exec_run("ping -c 1 -W 5 also").exit_code == 0
    assert box.exec_run("ping -c 1 -W 5 friend").exit_code == 0
    network.reload()
    assert sorted(one.name for one in network.containers) == ["one", "other"]
    with pytest.raises(APIError, match="already exists in network net") as refused:
        network.connect(box)
    assert refused.value.status_code == 403
    with pytest.raises(APIError, match="has active endpoints") as refused:
        network.remove()
    assert refused.value.status_code == 403
    network.disconnect(box)
    network.disconnect("other", force=True)
    with pytest.raises(APIError, match="is not connected to") as refused:
        network.disconnect(box)
    assert refused.value.status_code in (403, 404, 409, 500)
    low.connect_container_to_network("one", "net")
    low.disconnect_container_from_network("one", "net")
    network.remove()
    with pytest.raises(NotFound):
        network.reload()


def test_low_level_creation(low: APIClient) -> None:
    made = low.create_network("net", ipam=IPAMConfig(driver="default", pool_configs=[IPAMPool(subnet="10.78.0.0/24")]))
    assert low.inspect_network(made["Id"])["IPAM"]["Config"][0]["Subnet"] == "10.78.0.0/24"
    for status, words, name, options in (
        (409, "already exists", "net", {}),
        (403, "pre-defined|predefined", "host", {}),
        (404, "plugin", "odd", {"driver": "no-such-driver"}),
        (403, "overlap", "odd", {"ipam": IPAMConfig(pool_configs=[IPAMPool(subnet="10.78.0.0/16")])}),
    ):
        with pytest.raises(APIError, match=words) as refused:
            low.create_network(name, check_duplicate=True, **options)
        assert refused.value.status_code in (status, 403)
    low.remove_network("net")
    with pytest.raises(APIError) as refused:
        low.remove_network("bridge")
    assert refused.value.status_code == 403


def test_prune(client: DockerClient, low: APIClient) -> None:
    for name in ("one", "two"):
        client.networks.create(name, labels={name: ""})
    assert low.prune_networks(filters={"label": "one"})["NetworksDeleted"] == ["one"]
    assert client.networks.prune()["NetworksDeleted"] == ["two"]
    assert not client.networks.prune()["NetworksDeleted"]


def test_every_method_was_walked(walk: Walk) -> None:
    assert walk.left == set()
