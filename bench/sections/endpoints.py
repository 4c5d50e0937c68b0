"""Whether a network becomes slower with its size: containers on one network, more than a Linux bridge has ports."""

from __future__ import annotations

import statistics

from harness import containers
from harness.bench import Bench
from harness.row import Row, Target
from harness.turns import Stopwatch
from rig.engine import Engine

_MANY, _FEW, _EDGE = 1200, 10, 9
_NETWORK = "wide"


def measure(bench: Bench) -> list[Row]:
    """Rows: start of the last containers on a network of 1,200 beside the first ones, Weft alone."""
    with bench.engines("weft") as (engine,):
        engine.api.need("POST", "/networks/create", {"Name": _NETWORK})
        times = [_start(engine) for _ in range(_MANY)]
    few, many = (statistics.median(times[count - _EDGE : count]) for count in (_FEW, _MANY))
    name = f"{_MANY:,} containers on a network: start of the last {_EDGE}"
    return [Row(name, "ms", many, few, Target(1.5), own=f"of the first {_FEW}")]


def _start(engine: Engine) -> float:
    container = containers.create(engine.api, network=_NETWORK)
    watch = Stopwatch()
    with watch.measure("start"):
        containers.start(engine.api, container)
    return watch.figures["start"]
