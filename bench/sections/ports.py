"""A container with a hundred published ports, beside dockerd's and beside Weft's own without any."""

from __future__ import annotations

from harness import containers
from harness.bench import BOTH, Bench
from harness.row import Row, Target
from harness.turns import Figures, Stopwatch, take_turns
from rig.engine import Engine

_PORTS = containers.published({20000 + number: 1000 + number for number in range(100)})
_START, _PLAIN, _REMOVE = "start with 100 published ports", "start with none", "rm -f with 100 published ports"


def measure(bench: Bench) -> list[Row]:
    """Rows: start; rm; start against Weft's own without ports."""
    with bench.engines(*BOTH) as engines:
        weft, docker = take_turns(engines, bench.heavy(4), _published)
    return [
        Row(_START, "ms", weft[_START], docker[_START], Target(0.03)),
        Row(_REMOVE, "ms", weft[_REMOVE], docker[_REMOVE], Target(0.01)),
        Row(f"{_START}, beside none", "ms", weft[_START], weft[_PLAIN], Target(1.3), own="none"),
    ]


def _published(engine: Engine) -> Figures:
    api, watch = engine.api, Stopwatch()
    plain, busy = containers.create(api), containers.create(api, PortBindings=_PORTS)
    with watch.measure(_PLAIN):
        containers.start(api, plain)
    with watch.measure(_START):
        containers.start(api, busy)
    with watch.measure(_REMOVE):
        containers.remove(api, busy)
    containers.remove(api, plain)
    return watch.figures
