"""A daemon that was killed, and a host that was restarted."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from fakes import World

from weft.engine.containers.restart import starts_with_daemon
from weft.engine.contract.records import Change
from weft.engine.contract.runtime import Exit
from weft.model.container import (
    ContainerSpec,
    ContainerState,
    MountSpec,
    NetworkingSpec,
    ProcessSpec,
    RestartPolicy,
    Status,
)
from weft.model.endpoint import EndpointSpec
from weft.model.errors import SystemFailure
from weft.model.network import NetworkSpec
from weft.model.port import ContainerPort, PortRequest


class KilledError(Exception):
    """Stands for the end of the daemon."""


def spec(policy: str = "no") -> ContainerSpec:
    return ContainerSpec(
        image="busybox",
        process=ProcessSpec(cmd=("sleep",)),
        networking=NetworkingSpec(mode="net", ports=(PortRequest(ContainerPort(80), None, 8080, 8080),)),
        restart=RestartPolicy(name=policy),
    )


async def crashed_world(policy: str = "no") -> tuple[World, str]:
    world = World()
    engine = world.engine()
    await engine.start()
    await engine.networks.create(NetworkSpec(name="net"))
    created = await engine.containers.create("one", spec(policy), {}, "")
    await engine.containers.start("one")
    await engine.stop()
    return world, created.id


async def test_what_runs_is_adopted_untouched() -> None:
    world, container_id = await crashed_world()
    before = (set(world.kernel.bridges), dict(world.kernel.veths), world.names.names())
    engine = world.engine()
    await engine.start()
    assert (set(world.kernel.bridges), dict(world.kernel.veths), world.names.names()) == before
    assert engine.containers.find("one").state.pid == 4711
    await engine.networks.create(NetworkSpec(name="other"))
    await engine.containers.stop("one", grace=1, signal="")
    assert container_id not in world.kernel.sandboxes
    await engine.stop()


async def test_what_ended_meanwhile_has_its_exit_code() -> None:
    world, container_id = await crashed_world()
    world.runtime.ended[container_id] = Exit(42, 9)
    world.runtime.running.clear()
    engine = world.engine()
    await engine.start()
    record = engine.containers.find("one")
    assert (record.state.status, record.state.exit_code, record.state.finished) == (Status.EXITED, 42, 9)
    assert (record.ports, world.kernel.sandboxes, world.names.names()) == ((), set(), set())
    await engine.stop()


async def test_a_restarted_host_follows_the_policies() -> None:
    world, container_id = await crashed_world("always")
    world.runtime.ended[container_id] = Exit(255, 9)
    world.runtime.running.clear()
    rebooted = World(store=world.store, runtime=world.runtime, files=world.files)
    engine = rebooted.engine()
    await engine.start()
    async with asyncio.timeout(5):
        while engine.containers.find("one").state.status is not Status.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(rebooted.kernel.bridges) == 2
    assert rebooted.kernel.sandboxes == {container_id}
    assert "one" in rebooted.names.names()
    await engine.stop()


async def test_a_failure_is_followed_by_a_restart_whenever_the_daemon_was_killed() -> None:
    world, container_id = await crashed_world("on-failure")
    moments = []
    commit = world.store.commit

    def watched(*changes: Change) -> None:
        commit(*changes)
        moments.append(dict(world.store.records))

    engine = world.engine()
    await engine.start()
    world.store.commit = watched  # type: ignore[method-assign]
    world.runtime.end(container_id, 3)
    async with asyncio.timeout(5):
        while not engine.containers.find("one").state.is_running or not moments:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await engine.stop()
    world.store.commit = commit  # type: ignore[method-assign]
    assert len(moments) > 2
    for records in moments:
        world.store.records = dict(records)
        world.runtime.running.clear()
        world.runtime.ended[container_id] = Exit(3, 9)
        engine = world.engine()
        await engine.start()
        async with asyncio.timeout(5):
            while engine.containers.find("one").state.status is not Status.RUNNING:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await engine.stop()


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("moment", [1, 2, 3])
async def test_a_removal_that_was_cut_off_takes_volumes_along_if_it_was_to(moment: int, asked: bool) -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    wanted = replace(spec(), networking=NetworkingSpec(), anonymous_volumes=("/data",))
    await engine.containers.create("one", wanted, {}, "")
    commit, left = world.store.commit, moment

    def cut_off(*changes: Change) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError
        commit(*changes)

    world.store.commit = cut_off  # type: ignore[method-assign]
    with contextlib.suppress(KilledError):
        await engine.containers.remove("one", force=False, volumes=asked, link=False)
    world.store.commit = commit  # type: ignore[method-assign]
    await engine.stop()
    engine = world.engine()
    await engine.start()
    assert engine.inventory.containers == {}
    assert len(world.volumes.made) == len(engine.inventory.volumes) == (0 if asked else 1)
    await engine.stop()


async def test_a_volume_that_another_container_uses_stays() -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    wanted = replace(spec(), networking=NetworkingSpec(), anonymous_volumes=("/data",))
    await engine.containers.create("one", wanted, {}, "")
    shared = replace(wanted, anonymous_volumes=(), volumes_from=("one",))
    await engine.containers.create("two", shared, {}, "")
    await engine.containers.remove("one", force=False, volumes=True, link=False)
    (volume,) = engine.inventory.volumes.values()
    assert not volume.leaving
    await engine.containers.remove("two", force=False, volumes=True, link=False)
    assert (engine.inventory.volumes, world.volumes.made) == ({}, set())
    await engine.stop()


async def test_a_start_that_was_cut_off_is_cleared() -> None:
    world, container_id = await crashed_world()
    engine = world.engine()
    record = engine.inventory.containers[container_id]
    world.runtime.running.clear()
    engine.inventory.save(replace(record, state=replace(record.state, status=Status.CREATED, pid=0)))
    world.kernel.sandboxes.add("stray")
    world.runtime.prepared.add("f" * 64)
    engine = world.engine()
    await engine.start()
    assert (world.kernel.sandboxes, world.runtime.prepared) == (set(), {container_id})
    assert engine.containers.find("one").ports == ()
    await engine.stop()


async def test_a_connection_that_was_cut_off_is_taken_away() -> None:
    world, container_id = await crashed_world()
    engine = world.engine()
    await engine.start()
    await engine.networks.create(NetworkSpec(name="other"))
    before = set(world.kernel.veths)
    await engine.networks.connect("other", "one", EndpointSpec())
    record = engine.inventory.containers[container_id]
    await engine.stop()
    first, second = record.attachments
    assert first.endpoint is not None
    assert second.endpoint is not None
    assert not second.endpoint.unsettled
    cut_off = replace(second, endpoint=replace(second.endpoint, unsettled=True))
    engine.inventory.save(replace(record, attachments=(first, cut_off)))
    engine = world.engine()
    await engine.start()
    assert engine.containers.find("one").attachments == (first,)
    assert set(world.kernel.veths) == before
    await engine.networks.connect("other", "one", EndpointSpec())
    await engine.stop()


async def test_what_joins_a_network_starts_after_its_owner() -> None:
    world, _ = await crashed_world("always")
    engine = world.engine()
    await engine.start()
    guest = replace(spec("always"), networking=NetworkingSpec(mode="container:one"))
    await engine.containers.create("guest", guest, {}, "")
    await engine.containers.start("guest")
    await engine.stop()
    for container_id in tuple(world.runtime.running):
        world.runtime.ended[container_id] = Exit(255, 9)
    world.runtime.running.clear()
    rebooted = World(store=world.store, runtime=world.runtime, files=world.files)
    engine = rebooted.engine()
    await engine.start()
    async with asyncio.timeout(5):
        while engine.containers.find("guest").state.status is not Status.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert engine.containers.find("one").state.status is Status.RUNNING
    await engine.stop()


def test_a_limit_of_tries_holds_over_a_restart_of_the_daemon() -> None:
    policy = RestartPolicy(name="on-failure", maximum_retry_count=2)
    tried = ContainerState(status=Status.EXITED, exit_code=1, restart_count=2)
    assert not starts_with_daemon(policy, tried, was_running=True)
    assert starts_with_daemon(policy, replace(tried, restart_count=1), was_running=True)
    assert not starts_with_daemon(policy, replace(tried, restart_count=1, exit_code=0), was_running=True)


async def test_a_flushed_firewall_comes_back_and_is_told() -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    loads = world.kernel.loads
    seen = engine.events.subscribe(filters={"type": ("daemon",)}, since=0, until=0)
    waiting = asyncio.ensure_future(anext(seen))
    await asyncio.sleep(0.01)
    world.kernel.flushes.put_nowait("weft")
    event = await asyncio.wait_for(waiting, 5)
    assert (event.action, world.kernel.loads) == ("firewall-restored", loads + 1)
    await seen.aclose()
    await engine.stop()


async def test_volumes_cut_off_in_their_making_or_removal_are_nobodys() -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    await engine.networks.create(NetworkSpec(name="net"))
    for name in ("kept", "half-made", "used"):
        await engine.volumes.create(name, "", {}, {})
    await engine.containers.create(
        "one", replace(spec(), mounts=(MountSpec(type="volume", source="used", target="/data"),)), {}, ""
    )
    await engine.stop()
    world.volumes.made -= {"half-made", "used"}
    engine = world.engine()
    await engine.start()
    assert set(engine.inventory.volumes) == world.volumes.made == {"kept", "used"}
    await engine.stop()


async def test_a_volume_that_cannot_be_made_has_no_record() -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    world.volumes.refuses = True
    with pytest.raises(SystemFailure):
        await engine.volumes.create("data", "", {}, {})
    assert engine.inventory.volumes == {}
    await engine.stop()
