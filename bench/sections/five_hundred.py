"""Five hundred containers, fifty of which run: what a list of them takes, and the memory of it all."""

from __future__ import annotations

import time

from harness import containers
from harness.bench import BOTH, Bench
from harness.memory import daemons, pss_mib, supervisors
from harness.row import Row, Target
from harness.turns import Figures, Stopwatch, take_turns
from rig.docker import Docker
from rig.engine import Engine

RUNNING, ALL = 50, 500
_LIST, _PS = f"GET /containers/json?all=1, {ALL} containers", f"`docker ps -a`, {ALL} containers"
_FIFTY = f"memory, engine with {RUNNING} containers running, supervisors counted"
_DAEMON_FIFTY = f"memory, daemon with {RUNNING} containers running"
_DAEMON_ALL = f"memory, daemon with {ALL} containers, {RUNNING} of them running"


def measure(bench: Bench) -> list[Row]:
    """Rows: the list through the API and the CLI, and memory at fifty and at five hundred."""
    with bench.engines(*BOTH) as engines:
        sizes = [_sizes(engine) for engine in engines]
        weft, docker = take_turns(engines, bench.rounds, _lists)
    bounds = {_FIFTY: 0.3, _DAEMON_FIFTY: 0.75, _DAEMON_ALL: 0.75}
    return [
        *(Row(name, "ms", weft[name], docker[name], Target(1.0)) for name in (_LIST, _PS)),
        *(Row(name, "MiB", sizes[0][name], sizes[1][name], Target(bound)) for name, bound in bounds.items()),
    ]


def _sizes(engine: Engine) -> dict[str, float]:
    """Make the containers and return MiB on the way."""
    for _ in range(RUNNING):
        containers.run(engine.api)
    time.sleep(2)  # for what goes on after the last answer
    fifty = pss_mib(daemons(engine))
    standing = supervisors(engine)
    if len(standing) != RUNNING:
        raise RuntimeError(f"{len(standing)} supervisors for {RUNNING} containers of {engine.kind}")
    above = pss_mib(standing)
    for _ in range(ALL - RUNNING):
        containers.create(engine.api)
    engine.api.need("GET", "/containers/json?all=1")
    time.sleep(2)
    return {_FIFTY: fifty + above, _DAEMON_FIFTY: fifty, _DAEMON_ALL: pss_mib(daemons(engine))}


def _lists(engine: Engine) -> Figures:
    watch = Stopwatch()
    with watch.measure(_LIST):
        answer = engine.api.get("/containers/json?all=1")
    with watch.measure(_PS):
        lines = Docker(engine).lines("ps", "-aq")
    if answer.status != 200 or len(lines) != ALL:
        raise RuntimeError(f"{engine.kind} lists {len(lines)} containers instead of {ALL}: {answer.status}")
    return watch.figures
