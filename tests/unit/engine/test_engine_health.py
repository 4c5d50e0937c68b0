"""Health checks: what is decided, and what a monitor makes of probes."""

import asyncio
import time
from dataclasses import replace

import pytest
from fakes import World

from weft.daemon.engine import Engine
from weft.engine.containers import health
from weft.engine.containers.defaults import with_image_defaults
from weft.model.container import ContainerRecord, ContainerSpec, ContainerState, ProcessSpec, RestartPolicy, Status
from weft.model.errors import NotFound
from weft.model.health import Health, HealthCheck, HealthStatus, ProbeResult
from weft.model.image import ImageConfig

SECOND = 1_000_000_000
QUICK = HealthCheck(test=("CMD", "probe"), interval=1_000_000, retries=2)


def record(check: HealthCheck, state: Health | None = None) -> ContainerRecord:
    return ContainerRecord(
        id="c",
        name="one",
        created=0,
        image_id="i",
        spec=ContainerSpec(image="b", health=check),
        state=ContainerState(status=Status.RUNNING, started=100 * SECOND, health=state or Health()),
    )


def result(code: int, second: int = 101) -> ProbeResult:
    return ProbeResult(start=second * SECOND, end=second * SECOND + 5, exit_code=code)


def shown(one: ContainerRecord) -> tuple[str, int]:
    assert one.state.health is not None
    return one.state.health.status.value, one.state.health.failing_streak


def test_failures_in_a_row_make_unhealthy_and_one_success_healthy() -> None:
    one = record(HealthCheck(test=("CMD", "x")))
    seen = []
    for code in (1, 1, 0, 1, 1, -1, 7, 0):
        one = health.judged(one, result(code))
        seen.append(shown(one))
    assert seen == [
        ("starting", 1),
        ("starting", 2),
        ("healthy", 0),
        ("healthy", 1),
        ("healthy", 2),
        ("unhealthy", 3),
        ("unhealthy", 4),
        ("healthy", 0),
    ]
    assert one.state.health is not None
    assert [each.exit_code for each in one.state.health.log] == [1, 1, -1, 7, 0]


def test_failures_in_the_start_period_do_not_count() -> None:
    one = record(HealthCheck(test=("CMD", "x"), start_period=10 * SECOND, retries=1))
    assert shown(health.judged(one, result(1, 109))) == ("starting", 0)
    assert shown(health.judged(one, result(1, 110))) == ("unhealthy", 1)
    # once it was healthy, the period is over
    assert shown(health.judged(health.judged(one, result(0, 102)), result(1, 103))) == ("unhealthy", 1)


@pytest.mark.parametrize(
    ("check", "log", "status", "due"),
    [
        (HealthCheck(), (), "starting", 130),
        (HealthCheck(interval=7 * SECOND), (), "starting", 107),
        (HealthCheck(start_period=60 * SECOND), (), "starting", 105),
        (HealthCheck(start_period=60 * SECOND, start_interval=SECOND), (), "starting", 101),
        (HealthCheck(start_period=60 * SECOND, start_interval=SECOND), (150,), "starting", 151),
        (HealthCheck(start_period=60 * SECOND, start_interval=SECOND), (150,), "healthy", 180),
        (HealthCheck(start_period=60 * SECOND, start_interval=SECOND), (161,), "starting", 191),
        (HealthCheck(), (90,), "starting", 130),  # of its former run
    ],
)
def test_when_the_next_probe_is_due(check: HealthCheck, log: tuple[int, ...], status: str, due: int) -> None:
    known = tuple(replace(result(1, second), end=second * SECOND) for second in log)
    assert health.due(record(check, Health(status=HealthStatus(status), log=known))) == due * SECOND


def test_the_client_and_the_image() -> None:
    image = ImageConfig(
        cmd=("x",), health=HealthCheck(test=("CMD", "image"), interval=5, retries=9, start_interval=3, timeout=2)
    )
    own = HealthCheck(interval=7, start_period=1)
    assert with_image_defaults(ContainerSpec(image="b", health=own), image).health == HealthCheck(
        test=("CMD", "image"), interval=7, retries=9, start_interval=3, start_period=1, timeout=2
    )
    off = with_image_defaults(ContainerSpec(image="b", health=HealthCheck(test=("NONE",))), image).health
    assert off is not None
    assert not off.is_active
    assert with_image_defaults(ContainerSpec(image="b"), image).health == image.health
    assert with_image_defaults(ContainerSpec(image="b"), ImageConfig(cmd=("x",))).health is None


def test_commands() -> None:
    assert health.command(HealthCheck(test=("CMD", "a", "b")), ("/bin/bash", "-c")) == ("a", "b")
    assert health.command(HealthCheck(test=("CMD-SHELL", "a b")), ()) == ("/bin/sh", "-c", "a b")
    assert health.command(HealthCheck(test=("CMD-SHELL", "a b")), ("/bin/bash", "-c")) == ("/bin/bash", "-c", "a b")


def test_output_is_cut() -> None:
    output = health.Output()
    output.add(b"x" * 4000)
    output.add(b"y" * 96)
    assert output.text == "x" * 4000 + "y" * 96
    output.add(b"z")
    assert output.text == "x" * 4000 + "y" * 96 + "..."


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (1_000_000, "1ms"),
        (1_500_000, "1.5ms"),
        (SECOND, "1s"),
        (90 * SECOND, "1m30s"),
        (3 * SECOND // 2, "1.5s"),
        (3600 * SECOND, "1h0m0s"),
    ],
)
def test_durations(nanoseconds: int, text: str) -> None:
    assert health.duration_text(nanoseconds) == text


async def run(engine: Engine, check: HealthCheck | None, **more: RestartPolicy) -> str:
    spec = ContainerSpec(image="busybox", process=ProcessSpec(cmd=("sleep",)), health=check, **more)  # type: ignore[arg-type]
    created = await engine.containers.create("one", spec, {}, "")
    await engine.containers.start(created.id)
    return created.id


async def becomes(engine: Engine, status: str) -> Health:
    """Wait for the container's health, which must come."""
    async with asyncio.timeout(5):
        while True:
            known = engine.containers.find("one").state.health
            if known is not None and known.status.value == status:
                return known
            await asyncio.sleep(0.001)


async def test_a_containers_health_follows_its_probes(world: World, engine: Engine) -> None:
    container_id = await run(engine, QUICK)
    found = await becomes(engine, "healthy")
    assert (found.log[0].exit_code, found.log[0].output) == (0, "as told")
    events = [each async for each in engine.events.subscribe(filters={}, since=1, until=time.time_ns())]
    probe = next(each.attributes["execID"] for each in events if each.action == "exec_die")
    with pytest.raises(NotFound):  # there are too many to remember
        engine.execs.inspect(probe)
    world.runtime.probes = 1
    await becomes(engine, "unhealthy")
    assert engine.containers.find("one").state.status is Status.RUNNING
    world.runtime.probes = 0
    await becomes(engine, "healthy")
    await engine.containers.stop("one", grace=1, signal="")
    assert (await becomes(engine, "unhealthy")).log  # as Docker has it of what does not run
    await engine.containers.start("one")
    assert engine.containers.find("one").state.health is not None
    await becomes(engine, "healthy")
    await engine.containers.remove(container_id, force=True, volumes=False, link=False)


async def test_a_hung_probe_is_killed_and_holds_nothing_up(world: World, engine: Engine) -> None:
    await run(engine, HealthCheck(test=("CMD", "hung"), interval=1_000_000, timeout=5_000_000, retries=1))
    found = await becomes(engine, "unhealthy")
    assert (found.log[0].exit_code, found.log[0].output) == (-1, "Health check exceeded timeout (5ms)")
    await engine.containers.stop("one", grace=1, signal="")


async def test_a_probe_ends_with_its_container(world: World, engine: Engine) -> None:
    await run(engine, HealthCheck(test=("CMD", "hung"), interval=1_000_000))
    async with asyncio.timeout(5):
        while not world.runtime.hung:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await engine.containers.stop("one", grace=1, signal="")
    async with asyncio.timeout(5):
        while world.runtime.hung:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert engine.containers.find("one").state.health == Health(status=HealthStatus.UNHEALTHY)


async def test_what_cannot_be_run_fails(engine: Engine) -> None:
    await run(engine, HealthCheck(test=("CMD", "missing"), interval=1_000_000, retries=1))
    found = await becomes(engine, "unhealthy")
    assert (found.log[0].exit_code, "executable file not found" in found.log[0].output) == (-1, True)


async def test_no_probes_while_paused(world: World, engine: Engine) -> None:
    await run(engine, QUICK)
    await becomes(engine, "healthy")
    await engine.containers.pause("one")
    frozen = engine.containers.find("one")
    assert shown(frozen)[0] == "unhealthy"
    for _ in range(100):
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert engine.containers.find("one") is frozen
    await engine.containers.unpause("one")
    await becomes(engine, "healthy")


async def test_a_later_daemon_goes_on(world: World) -> None:
    first = world.engine()
    await first.start()
    await run(first, QUICK)
    known = await becomes(first, "healthy")
    second = world.engine()
    assert second.containers.find("one").state.health is not None
    await second.start()
    try:
        assert shown(second.containers.find("one"))[0] == "healthy"
        async with asyncio.timeout(5):
            while (second.containers.find("one").state.health or known).log[-1].start <= known.log[-1].start:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    finally:
        await second.stop()
        await first.stop()


async def test_no_check_no_health(engine: Engine) -> None:
    await run(engine, HealthCheck(test=("NONE",)))
    assert engine.containers.find("one").state.health is None
