"""Start, and stop with removal, of one container on the default bridge."""

from __future__ import annotations

from harness import containers
from harness.bench import BOTH, Bench
from harness.row import Row, Target
from harness.turns import Figures, Stopwatch, take_turns
from rig.engine import Engine

_START, _STOP = "start through the API, bridge", "stop + rm through the API"


def measure(bench: Bench) -> list[Row]:
    """Rows: start; stop and remove."""
    with bench.engines(*BOTH) as engines:
        weft, docker = take_turns(engines, bench.rounds, _live_and_die)
    return [Row(name, "ms", weft[name], docker[name], Target(0.15)) for name in (_START, _STOP)]


def _live_and_die(engine: Engine) -> Figures:
    api, watch = engine.api, Stopwatch()
    container = containers.create(api, containers.ENDS_ON_TERM)
    with watch.measure(_START):
        containers.start(api, container)
    containers.wait_for_handler(engine, container)
    with watch.measure(_STOP):
        containers.stop(api, container)
        containers.remove(api, container)
    return watch.figures
