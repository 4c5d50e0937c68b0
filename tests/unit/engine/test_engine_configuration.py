"""Configuration networks: what they hold, what may be made from them, when they go."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from fakes import World

from weft.daemon.engine import Engine
from weft.engine.networks.configuration import as_configuration, with_configuration
from weft.model.container import ContainerSpec, NetworkingSpec, ProcessSpec
from weft.model.errors import Conflict, Forbidden, NotFound
from weft.model.network import NetworkRecord, NetworkSpec, PoolSpec, Scope

POOL = PoolSpec(subnet=IPv4Network("10.60.0.0/24"), gateway=IPv4Address("10.60.0.9"))
CONFIGURATION = NetworkSpec(
    name="config",
    config_only=True,
    ipv6=True,
    pools=(POOL,),
    options={"com.docker.network.driver.mtu": "1400"},
    labels={"team": "blue"},
)
CONSUMER = NetworkSpec(name="net", config_from="config", internal=True)


def held(spec: NetworkSpec = CONFIGURATION) -> list[NetworkRecord]:
    return [NetworkRecord(id="c" * 64, created=1, spec=as_configuration(spec))]


def test_a_configuration_shows_the_null_driver() -> None:
    assert as_configuration(CONFIGURATION) == replace(CONFIGURATION, driver="null")


@pytest.mark.parametrize("field", ["internal", "attachable", "ingress"])
def test_a_configuration_is_nothing_that_an_operator_decides(field: str) -> None:
    with pytest.raises(Forbidden, match="Network operator fields like"):
        as_configuration(replace(CONFIGURATION, **{field: True}))
    with pytest.raises(Forbidden, match="Network operator fields like"):
        as_configuration(replace(CONFIGURATION, scope=Scope.SWARM))


def test_a_consumer_has_what_the_configuration_holds_and_its_own_manner() -> None:
    spec = with_configuration(CONSUMER, held())
    assert spec == replace(
        CONFIGURATION, name="net", config_only=False, config_from="config", driver="bridge", internal=True
    )


@pytest.mark.parametrize(
    "own",
    [
        {"ipv6": True},
        {"ipv4": False},
        {"labels": {"a": "b"}},
        {"pools": (POOL,)},
        {"ipam_options": {"a": "b"}},
        {"ipam_driver": "null"},
    ],
    ids=str,
)
def test_a_consumer_has_no_configuration_of_its_own(own: dict[str, object]) -> None:
    with pytest.raises(Forbidden, match="user specified configurations are not supported"):
        with_configuration(replace(CONSUMER, **own), held())  # type: ignore[arg-type]


def test_a_consumer_has_no_options_of_its_own() -> None:
    with pytest.raises(Forbidden, match="network driver options are not supported"):
        with_configuration(replace(CONSUMER, options={"a": "b"}), held())


def test_only_a_configuration_can_be_depended_on() -> None:
    with pytest.raises(NotFound, match='configuration network "config" does not exist'):
        with_configuration(CONSUMER, [])
    plain = NetworkRecord(id="d" * 64, created=1, spec=NetworkSpec(name="config"))
    with pytest.raises(NotFound, match="does not exist"):
        with_configuration(CONSUMER, [plain])
    with pytest.raises(Forbidden, match="cannot depend on another configuration network"):
        as_configuration(replace(CONFIGURATION, config_from="config"))


async def test_a_configuration_is_nothing_in_the_kernel(engine: Engine, world: World) -> None:
    before = set(world.kernel.bridges)
    await engine.networks.create(replace(CONFIGURATION, options={}))
    assert set(world.kernel.bridges) == before
    await engine.networks.create(replace(CONFIGURATION, name="overlapping", options={}))
    with pytest.raises(Conflict, match="already exists"):
        await engine.networks.create(CONFIGURATION)


async def test_a_configuration_stays_until_its_last_consumer_went(engine: Engine, world: World) -> None:
    await engine.networks.create(CONFIGURATION)
    await engine.networks.create(CONSUMER)
    assert engine.networks.find("net").pools[0].gateway == IPv4Address("10.60.0.9")
    assert (await engine.networks.prune({})).deleted == ("net",)  # what is made of it goes, the configuration stays
    await engine.networks.create(CONSUMER)
    with pytest.raises(Forbidden, match=r'^error while removing network: configuration network "config" is in use$'):
        await engine.networks.remove("config")
    await engine.networks.remove("net")
    await engine.networks.remove("config")
    assert [each.name for each in engine.networks.list({})] == ["bridge", "host", "none"]


async def test_a_container_cannot_be_on_a_configuration(engine: Engine) -> None:
    await engine.networks.create(CONFIGURATION)
    spec = ContainerSpec(image="busybox", process=ProcessSpec(cmd=("sleep",)), networking=NetworkingSpec(mode="config"))
    with pytest.raises(Forbidden, match="cannot create endpoint on configuration-only network"):
        await engine.containers.create("one", spec, {}, "")


async def test_both_are_there_after_a_restart(world: World) -> None:
    engine = world.engine()
    await engine.start()
    await engine.networks.create(CONFIGURATION)
    await engine.networks.create(CONSUMER)
    before = engine.networks.list({})
    await engine.stop()
    engine = world.engine()
    await engine.start()
    assert engine.networks.list({}) == before
    with pytest.raises(Forbidden, match="is in use"):
        await engine.networks.remove("config")
    await engine.stop()
