"""Statistics: one sampler a container, only while somebody looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from fakes import World

from weft.daemon.engine import Engine
from weft.engine.containers import stats
from weft.engine.containers.stats import Sample
from weft.model.container import ContainerSpec, NetworkingSpec, ProcessSpec
from weft.model.errors import NotFound

SPEC = ContainerSpec(image="busybox", process=ProcessSpec(cmd=("sleep",)))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "_PERIOD", 0.001)


async def start(engine: Engine, name: str, spec: ContainerSpec = SPEC) -> str:
    created = await engine.containers.create(name, spec, {}, "")
    await engine.containers.start(created.id)
    return created.id


async def take(samples: AsyncIterator[Sample]) -> Sample:
    async with asyncio.timeout(5):
        return await anext(samples)


async def test_a_sample(engine: Engine) -> None:
    container_id = await start(engine, "one")
    sample = await engine.stats.once("one")
    assert (sample.id, sample.name) == (container_id, "one")
    assert sample.read > 0
    assert sample.usage is not None
    assert list(sample.interfaces) == ["eth0"]
    await engine.containers.stop("one", grace=1, signal="")
    assert await engine.stats.once("one") == Sample(id=container_id, name="one")
    with pytest.raises(NotFound):
        await engine.stats.once("nobody")


async def test_what_shares_a_sandbox_shares_its_interfaces(engine: Engine) -> None:
    await start(engine, "one")
    await start(engine, "two", replace(SPEC, networking=NetworkingSpec(mode="container:one")))
    await start(engine, "three", replace(SPEC, networking=NetworkingSpec(mode="host")))
    assert list((await engine.stats.once("two")).interfaces) == ["eth0"]
    assert not (await engine.stats.once("three")).interfaces


async def test_many_share_one_look(world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "_PERIOD", 3600)
    await start(engine, "one")
    streams = [engine.stats.follow("one") for _ in range(5)]
    samples = [await take(stream) for stream in streams]
    assert len({sample.read for sample in samples}) == 1
    assert world.runtime.looks == 1
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]


async def test_nobody_looks_for_nobody(world: World, engine: Engine) -> None:
    await start(engine, "one")
    streams = [engine.stats.follow("one") for _ in range(3)]
    for stream in streams:
        first = await take(stream)
        assert (await take(stream)).read > first.read
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)  # a look that has begun may end
    looked = world.runtime.looks
    await asyncio.sleep(0.02)
    assert world.runtime.looks == looked


async def test_a_slow_reader_gets_the_newest(engine: Engine) -> None:
    await start(engine, "one")
    async with aclosing(engine.stats.follow("one")) as slow, aclosing(engine.stats.follow("one")) as quick:
        await take(slow)
        for _ in range(20):
            newest = await take(quick)
        assert (await take(slow)).read >= newest.read


async def test_a_stream_goes_on_without_a_process_and_ends_with_the_container(engine: Engine) -> None:
    container_id = await start(engine, "one")
    async with aclosing(engine.stats.follow("one")) as samples:
        assert (await take(samples)).usage is not None
        await engine.containers.stop("one", grace=1, signal="")
        async with asyncio.timeout(5):
            while (await take(samples)).usage is not None:
                pass
        assert await take(samples) == Sample(id=container_id, name="one")
        await engine.containers.remove("one", force=False, volumes=False, link=False)
        async with asyncio.timeout(5):
            assert [sample async for sample in samples if sample.usage is not None] == []
