"""Files of containers and commits, over an engine in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakes import World

from weft.engine.containers.commit import CommitRequest, container_config, merged
from weft.engine.contract.container_files import Extraction
from weft.engine.contract.records import Put
from weft.model.container import ContainerSpec, NetworkingSpec, ProcessSpec, Status
from weft.model.errors import NotFound
from weft.model.health import HealthCheck
from weft.model.image import ImageConfig
from weft.model.port import ContainerPort


def spec() -> ContainerSpec:
    return ContainerSpec(
        image="busybox",
        process=ProcessSpec(cmd=("sleep", "9"), env=("A=1",)),
        networking=NetworkingSpec(mode="none", exposed=(ContainerPort(80),)),
        labels={"l": "m"},
    )


async def body() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


async def test_files_are_closed_and_told_of() -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    created = await engine.containers.create("one", spec(), {}, "")
    files = engine.backend(None).files  # type: ignore[arg-type]
    told = engine.events.subscribe(filters={"type": ("container",)}, since=1, until=2**62)
    assert (await files.stat("one", "/etc/passwd")).size == 4
    async with files.archive("one", "/etc/passwd") as (stat, chunks):
        assert stat.name == "passwd"
        assert [piece async for piece in chunks] == [b"root"]
    await files.extract("one", "/root", body(), Extraction())
    assert world.container_files.content["/root"] == b"onetwo"
    async with files.export("one") as chunks:
        assert b"".join([piece async for piece in chunks]) == b"rootonetwo"
    assert [change.path for change in await files.changes("one")] == ["/new"]
    for call in (files.stat("one", "/nowhere"), files.extract("one", "/nowhere", body(), Extraction())):
        with pytest.raises(NotFound, match="Could not find the file /nowhere in container one"):
            await call
    assert world.container_files.open_now == 0
    actions = [(await anext(told)).action for _ in range(4)]
    assert actions == ["create", "archive-path", "extract-to-dir", "export"]
    assert created.id
    await engine.stop()


@pytest.mark.parametrize("pause", [True, False])
async def test_a_commit_freezes_what_runs_and_lets_it_go_on(pause: bool) -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    await engine.containers.create("one", spec(), {}, "")
    await engine.containers.start("one")
    commits = engine.backend(None).commits  # type: ignore[arg-type]
    made = await commits.commit("one", CommitRequest(repository="kept", comment="why", author="me", pause=pause))
    image = engine.images.find("kept")
    assert (image.id, image.comment, image.author) == (made, "why", "me")
    assert world.images.committed == [b"layer"]
    assert world.runtime.frozen == (["pause", "unpause"] if pause else [])
    assert engine.containers.find("one").state.status is Status.RUNNING
    await engine.stop()


async def test_a_commit_that_fails_lets_it_go_on() -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    await engine.containers.create("one", spec(), {}, "")
    await engine.containers.start("one")
    world.images.full = True
    with pytest.raises(OSError, match="No space"):
        await engine.backend(None).commits.commit("one", CommitRequest())  # type: ignore[arg-type]
    assert engine.containers.find("one").state.status is Status.RUNNING
    assert world.container_files.open_now == 0
    await engine.stop()


async def test_a_daemon_killed_while_it_commits_leaves_nothing_frozen() -> None:
    world = World()
    engine = world.engine()
    await engine.start()
    await engine.containers.create("one", spec(), {}, "")
    await engine.containers.create("two", spec(), {}, "")
    for name in ("one", "two"):
        await engine.containers.start(name)
    await engine.containers.pause("two")
    world.images.blocked = asyncio.Event()
    committing = asyncio.create_task(engine.backend(None).commits.commit("one", CommitRequest()))  # type: ignore[arg-type]
    while engine.containers.find("one").state.status is not Status.PAUSED:  # noqa: ASYNC110
        await asyncio.sleep(0)
    kept = world.store.load()
    committing.cancel()
    await asyncio.gather(committing, return_exceptions=True)
    await engine.stop()
    world.store.commit(*(Put(record) for record in kept))
    successor = world.engine()
    await successor.start()
    assert successor.containers.find("one").state.status is Status.RUNNING
    assert successor.containers.find("two").state.status is Status.PAUSED
    await successor.stop()


def test_what_a_container_was_made_with() -> None:
    assert container_config(spec()) == ImageConfig(
        cmd=("sleep", "9"), env=("A=1",), exposed_ports=("80/tcp",), labels={"l": "m"}
    )


def test_a_configuration_is_completed_from_the_container() -> None:
    container = ImageConfig(
        entrypoint=("in",),
        cmd=("c",),
        env=("A=1", "B=2"),
        user="u",
        exposed_ports=("80/tcp",),
        labels={"l": "m"},
        health=HealthCheck(test=("CMD", "x"), retries=3),
    )
    wanted = ImageConfig(env=("A=9",), exposed_ports=("81/tcp",), labels={"n": "o"}, health=HealthCheck(retries=5))
    assert merged(wanted, container) == ImageConfig(
        entrypoint=("in",),
        cmd=("c",),
        env=("A=9", "B=2"),
        user="u",
        exposed_ports=("81/tcp", "80/tcp"),
        labels={"l": "m", "n": "o"},
        health=HealthCheck(test=("CMD", "x"), retries=5),
    )
    assert merged(ImageConfig(entrypoint=("own",)), container).cmd is None
    assert merged(ImageConfig(entrypoint=(), cmd=("own",)), container).entrypoint is None
