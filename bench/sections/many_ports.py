"""Whether a start becomes dearer with what runs already: 470 containers with 32 published ports each."""

from __future__ import annotations

import statistics

from harness import containers
from harness.bench import Bench
from harness.row import Row, Target
from harness.turns import Stopwatch
from rig.engine import Engine

CONTAINERS, PORTS, EDGE = 470, 32, 5
_FIRST_PORT = 10_000


def measure(bench: Bench) -> list[Row]:
    """Rows: start of the last containers beside the first ones, Weft alone."""
    with bench.engines("weft") as (engine,):
        containers.remove(engine.api, containers.run(engine.api))  # a warm engine
        times = [_start(engine, number) for number in range(CONTAINERS)]
    first, last = statistics.median(times[:EDGE]), statistics.median(times[-EDGE:])
    name = f"{CONTAINERS} containers x {PORTS} ports: start of the last {EDGE}"
    return [Row(name, "ms", last, first, Target(1.3), own=f"first {EDGE}")]


def _start(engine: Engine, number: int) -> float:
    lowest = _FIRST_PORT + number * PORTS
    bindings = containers.published({port: port for port in range(lowest, lowest + PORTS)})
    container = containers.create(engine.api, PortBindings=bindings)
    watch = Stopwatch()
    with watch.measure("start"):
        containers.start(engine.api, container)
    return watch.figures["start"]
