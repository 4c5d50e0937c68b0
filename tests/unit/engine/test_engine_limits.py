"""Limits that change while a container exists."""

from dataclasses import replace

import pytest
from fakes import World

from weft.daemon.engine import Engine
from weft.engine.containers.limits import LimitChange, changed
from weft.model.container import ContainerSpec, NetworkingSpec, ProcessSpec, Resources, RestartPolicy
from weft.model.errors import Conflict
from weft.model.port import ContainerPort, PortRequest

MIB = 1 << 20


def test_what_is_not_asked_for_stays() -> None:
    present = Resources(memory=64 * MIB, memory_swap=128 * MIB, cpu_shares=5, pids_limit=9)
    assert changed(present, LimitChange()) == present
    after = changed(present, LimitChange(memory=32 * MIB, pids_limit=-1))
    assert (after.memory, after.memory_swap, after.cpu_shares, after.pids_limit) == (32 * MIB, 128 * MIB, 5, None)
    pinned = changed(present, LimitChange(cpuset_cpus="0", cpuset_mems="0", blkio_weight=300, cpu_realtime_runtime=5))
    assert pinned == replace(present, cpuset_cpus="0", cpuset_mems="0", blkio_weight=300, cpu_realtime_runtime=5)
    assert changed(pinned, LimitChange(cpu_shares=7)) == replace(pinned, cpu_shares=7)


@pytest.mark.parametrize(
    ("present", "change", "conflict"),
    [
        (Resources(memory=1, memory_swap=2), LimitChange(memory=3), "already set memoryswap limit"),
        (Resources(memory=9, memory_swap=18), LimitChange(memory_swap=5), "Minimum memoryswap limit should be larger"),
        (Resources(memory=9, memory_swap=18), LimitChange(memory_reservation=10), "less than memory reservation"),
        (Resources(cpu_period=1000), LimitChange(nano_cpus=1), "Nano CPUs cannot be updated as CPU Period"),
        (Resources(nano_cpus=1), LimitChange(cpu_quota=1000), "CPU Quota cannot be updated as NanoCPUs"),
    ],
)
def test_what_does_not_go_together(present: Resources, change: LimitChange, conflict: str) -> None:
    with pytest.raises(Conflict, match=conflict):
        changed(present, change)


async def test_limits_return_when_the_rest_of_an_update_fails(engine: Engine, world: World) -> None:
    spec = ContainerSpec(
        image="busybox",
        process=ProcessSpec(cmd=("sleep",)),
        networking=NetworkingSpec(ports=(PortRequest(ContainerPort(80), None, 8080, 8080),)),
    )
    for name in ("one", "two"):
        await engine.containers.create(name, spec, {}, "")
    await engine.containers.start("one")
    before = engine.containers.find("one")
    change = LimitChange(cpu_shares=7)
    after = await engine.containers.update("one", limits=change, restart=RestartPolicy(name="always"))
    assert (world.runtime.limits[before.id].cpu_shares, after.spec.resources.cpu_shares) == (7, 7)
    ports = [PortRequest(ContainerPort(80), None, 9, 9), PortRequest(ContainerPort(81), None, 9, 9)]
    with pytest.raises(Conflict):
        await engine.containers.update("one", limits=LimitChange(cpu_shares=9), ports=ports)
    assert world.runtime.limits[before.id].cpu_shares == 7
    assert engine.containers.find("one") == after


async def test_a_container_that_does_not_run_has_them_from_its_start(engine: Engine, world: World) -> None:
    await engine.containers.create("one", ContainerSpec(image="busybox", process=ProcessSpec(cmd=("sleep",))), {}, "")
    record = await engine.containers.update("one", limits=LimitChange(cpu_shares=7))
    assert not world.runtime.limits
    await engine.containers.start("one")
    assert world.runtime.running[record.id].record.spec.resources.cpu_shares == 7
