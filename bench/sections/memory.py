"""Memory: of the daemon with nothing to do, and of what stands over each container."""

from __future__ import annotations

import time

from harness import containers
from harness.bench import BOTH, Bench
from harness.memory import daemons, pss_mib, supervisors
from harness.row import Row, Target
from rig.engine import Engine

COUNT = 50
_IDLE, _EACH = "memory, daemon idle (with weft-dns; with containerd)", f"memory, supervisor a container ({COUNT} run)"


def measure(bench: Bench) -> list[Row]:
    """Rows: PSS of the daemons at rest, PSS of one supervisor among fifty."""
    with bench.engines(*BOTH) as engines:
        for engine in engines:
            containers.remove(engine.api, containers.run(engine.api))
        time.sleep(2)  # for what goes on after the last answer
        weft, docker = (pss_mib(daemons(engine)) for engine in engines)
        weft_each, docker_each = (_supervisor(engine) for engine in engines)
    return [
        Row(_IDLE, "MiB", weft, docker, Target(0.75)),
        Row(_EACH, "MiB", weft_each, docker_each, Target(0.25)),
    ]


def _supervisor(engine: Engine) -> float:
    made = [containers.run(engine.api) for _ in range(COUNT)]
    standing = supervisors(engine)
    if len(standing) != COUNT:
        raise RuntimeError(f"{len(standing)} supervisors for {COUNT} containers of {engine.kind}")
    total = pss_mib(standing)
    for container in made:
        containers.remove(engine.api, container)
    return total / COUNT
