"""A warning where more endpoints run than the kernel keeps neighbours."""

import pytest
from fakes import World

from weft.model.container import ContainerSpec, NetworkingSpec, ProcessSpec


@pytest.mark.parametrize(("limit", "warned"), [(2, True), (3, False)])
async def test_the_limit_comes_near(world: World, limit: int, warned: bool) -> None:
    world.kernel.neighbours = limit
    engine = world.engine()
    await engine.start()
    try:
        assert engine.warnings() == ()
        for name in ("one", "two"):
            spec = ContainerSpec(
                image="busybox", process=ProcessSpec(cmd=("sleep",)), networking=NetworkingSpec(mode="bridge")
            )
            await engine.containers.create(name, spec, {}, "")
            await engine.containers.start(name)
        lines = engine.warnings()
        assert bool(lines) is warned
        assert all("net.ipv4.neigh.default.gc_thresh3=65536" in line for line in lines)
    finally:
        await engine.stop()
