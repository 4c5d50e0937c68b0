"""A network's life: made, a running container attached and detached, removed."""

from __future__ import annotations

from functools import partial

from harness import containers
from harness.bench import BOTH, Bench
from harness.row import Row, Target
from harness.turns import Figures, Stopwatch, take_turns
from rig.engine import Engine

_TARGETS = {
    "network create": Target(0.2),
    "network connect": Target(0.3),
    "network disconnect": Target(0.3),
    "network rm": Target(0.3),
}


def measure(bench: Bench) -> list[Row]:
    """Rows: create, connect, disconnect, rm."""
    with bench.engines(*BOTH) as engines:
        guests = {engine: containers.run(engine.api) for engine in engines}
        weft, docker = take_turns(engines, bench.rounds, partial(_network, guests))
    return [Row(name, "ms", weft[name], docker[name], target) for name, target in _TARGETS.items()]


def _network(guests: dict[Engine, str], engine: Engine) -> Figures:
    api, watch = engine.api, Stopwatch()
    guest = {"Container": guests[engine]}
    with watch.measure("network create"):
        network = api.need("POST", "/networks/create", {"Name": "bench", "CheckDuplicate": True})["Id"]
    with watch.measure("network connect"):
        api.need("POST", f"/networks/{network}/connect", guest)
    with watch.measure("network disconnect"):
        api.need("POST", f"/networks/{network}/disconnect", guest)
    with watch.measure("network rm"):
        api.need("DELETE", f"/networks/{network}")
    return watch.figures
