"""The name server that containers have: answers a second and how long they take, at rest and beside others' starts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

from harness import containers
from harness.bench import BOTH, Bench
from harness.programs import output_within
from harness.row import Row, Target
from harness.turns import Figures, take_turns
from rig.api import RawApi
from rig.engine import Engine

_OUTSTANDING = {1: Target(1.0, least=True), 8: Target(2.0, least=True), 32: Target(2.2, least=True)}
_P99, _BUSY = "DNS p99 at 32 outstanding", "DNS answers at 32, 8 containers/s start and stop"
CHURN = 8  # containers a second


def measure(bench: Bench) -> list[Row]:
    """Rows: answers a second at 1, 8 and 32 outstanding, p99 at 32, and answers under churn against Weft's own."""
    with bench.engines(*BOTH) as engines:
        askers = {engine: _prepare(engine) for engine in engines}
        weft, docker = take_turns(engines, bench.heavy(6), partial(_figures, bench, askers))
        (churned,) = take_turns(engines[:1], bench.heavy(6), partial(_under_churn, bench, askers))
    rows = [Row(_name(n), "/s", weft[_name(n)], docker[_name(n)], target) for n, target in _OUTSTANDING.items()]
    return [
        *rows,
        Row(_P99, "us", weft[_P99], docker[_P99], Target(0.3)),
        Row(_BUSY, "/s", churned["busy"], churned["idle"], Target(0.7, least=True), own="at rest"),
    ]


def _name(outstanding: int) -> str:
    return f"DNS answers at {outstanding} outstanding"


def _prepare(engine: Engine) -> str:
    engine.api.need("POST", "/networks/create", {"Name": "named"})
    containers.run(engine.api, network="named", name="target")
    return containers.run(engine.api, network="named", name="asker")


def _ask(bench: Bench, engine: Engine, asker: str, outstanding: int) -> Any:
    load: list[str | Path | float] = [
        bench.programs.compiled("dnsload"),
        "127.0.0.11",
        "53",
        "target",
        outstanding,
        bench.seconds,
    ]
    seen = output_within(containers.namespace(engine, asker), load)
    if seen["wrong"] or seen["rate"] == 0:
        raise RuntimeError(f"{engine.kind} answers names wrongly: {seen}")
    return seen


def _figures(bench: Bench, askers: dict[Engine, str], engine: Engine) -> Figures:
    figures: dict[str, float] = {}
    for outstanding in _OUTSTANDING:
        seen = _ask(bench, engine, askers[engine], outstanding)
        figures[_name(outstanding)] = seen["rate"]
    figures[_P99] = seen["p99_us"]
    return figures


def _under_churn(bench: Bench, askers: dict[Engine, str], engine: Engine) -> Figures:
    idle = _ask(bench, engine, askers[engine], 32)["rate"]
    with _churn(engine):
        busy = _ask(bench, engine, askers[engine], 32)["rate"]
    return {"idle": idle, "busy": busy}


@contextmanager
def _churn(engine: Engine) -> Iterator[None]:
    """Have containers come and go on the same network; raises `RuntimeError` if they did at less than the rate."""
    done, threads, lives = Event(), CHURN // 2, list[float]()

    def come_and_go() -> None:
        with RawApi(engine.socket) as api:
            while not done.is_set():
                began = time.monotonic()
                containers.remove(api, containers.run(api, network="named"))
                lives.append(began)
                done.wait(max(0, began + threads / CHURN - time.monotonic()))

    running = [Thread(target=come_and_go) for _ in range(threads)]
    began = time.monotonic()
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in running:
            thread.join()
    rate = len(lives) / (time.monotonic() - began)
    if rate < 0.8 * CHURN:
        print(f"  (containers came and went at {rate:.1f} a second only)", flush=True)
