"""A container from the docker CLI, from the first to the last: create, attach, start, wait, remove."""

from __future__ import annotations

from harness.bench import BOTH, Bench
from harness.row import Row, Target
from harness.turns import Figures, Stopwatch, take_turns
from rig.docker import Docker


def measure(bench: Bench) -> list[Row]:
    """Rows: `docker run --rm busybox true`."""
    with bench.engines(*BOTH) as engines:
        weft, docker = take_turns([Docker(engine) for engine in engines], bench.rounds, _run)
    name = "docker run --rm busybox true"
    return [Row(f"`{name}`", "ms", weft[name], docker[name], Target(0.25))]


def _run(docker: Docker) -> Figures:
    watch = Stopwatch()
    with watch.measure("docker run --rm busybox true"):
        docker.out("run", "--rm", "busybox", "true")
    return watch.figures
