"""Fifty containers, one after another and eight at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from harness import containers
from harness.bench import BOTH, Bench
from harness.row import Row, Target
from harness.turns import Figures, Stopwatch, take_turns
from rig.api import RawApi
from rig.engine import Engine

COUNT, AT_A_TIME = 50, 8
_SERIAL, _PARALLEL = f"{COUNT} containers, serial", f"{COUNT} containers, {AT_A_TIME} at a time"


def measure(bench: Bench) -> list[Row]:
    """Rows: create and start, serial and side by side."""
    with bench.engines(*BOTH) as engines:
        weft, docker = take_turns(engines, bench.heavy(8), _fifty, warm_up=False)
    return [Row(name, "ms", weft[name], docker[name], Target(0.15)) for name in (_SERIAL, _PARALLEL)]


def _fifty(engine: Engine) -> Figures:
    watch = Stopwatch()
    with watch.measure(_SERIAL):
        made = [containers.run(engine.api) for _ in range(COUNT)]
    _remove_all(engine, made)
    with watch.measure(_PARALLEL):
        made = _spread(engine, AT_A_TIME)
    _remove_all(engine, made)
    return watch.figures


def _spread(engine: Engine, workers: int) -> list[str]:
    left = iter(range(COUNT))

    def work() -> list[str]:
        with RawApi(engine.socket) as api:
            return [containers.run(api) for _ in left]

    with ThreadPoolExecutor(workers) as pool:
        shares = [pool.submit(work) for _ in range(workers)]
        return [container for share in shares for container in share.result()]


def _remove_all(engine: Engine, made: list[str]) -> None:
    for container in made:
        containers.remove(engine.api, container)
