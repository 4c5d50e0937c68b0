"""An engine that describes itself is asked by schemathesis, from that description, whatever can be asked.

No answer is a 500, none is missing, each has the shape that the description says; and afterwards nothing is left that
nobody remembers. WEFT_FUZZ_REQUESTS=20000 asks more, WEFT_FUZZ_SEED=2 asks something else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rig.engine import WeftEngine
from rig.eventually import eventually
from rig.host import Host
from rig.leftovers import settled

pytestmark = pytest.mark.weft_only("the description is Weft's own")

REQUESTS = int(os.environ.get("WEFT_FUZZ_REQUESTS", "4000"))
SEED = int(os.environ.get("WEFT_FUZZ_SEED", "1"))
WORKERS = 2
SPARE_FDS = 8  # connections that a client keeps, the loop's own
SPARE_MEMORY = 24 << 20  # bytes: what an allocator keeps after a burst


@dataclass(frozen=True)
class Size:
    """Of weftd: open files, and resident bytes."""

    files: int
    memory: int


@pytest.fixture
def engine() -> Iterator[WeftEngine]:
    """An engine in a host without any cable."""
    with Host("fuzzed") as host:
        engine = WeftEngine(host)
        engine.start()
        for directory in ("scratch", "scratch/a", "scratch/b"):
            (host.directory / directory).mkdir()
        yield engine


def ask(engine: WeftEngine, requests: int, seed: int) -> list[dict[str, Any]]:
    """Let all workers ask at the same time; their reports."""
    worker = Path(__file__).with_name("fuzz_worker.py")
    scratch = engine.host.directory / "scratch"
    commands = [
        [sys.executable, worker, engine.socket, scratch, str(requests // WORKERS), str(seed + 1000 * number)]
        for number in range(WORKERS)
    ]
    running = [subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) for command in commands]
    try:
        return [json.loads(process.communicate(timeout=1800)[0]) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()


def clean(engine: WeftEngine) -> None:
    """Remove all that was made, images too."""
    for container in engine.api.need("GET", "/containers/json?all=1"):
        if container["State"] == "paused":
            engine.api.post(f"/containers/{container['Id']}/unpause")
    engine.sweep()
    for image in engine.api.need("GET", "/images/json?all=1"):
        answer = engine.api.delete(f"/images/{image['Id']}?force=1")
        assert answer.status in (200, 404), answer.body


def size(engine: WeftEngine) -> Size:
    """What weftd holds now."""
    (pid,) = (pid for pid, line in engine.host.processes().items() if any(part.endswith("/weftd") for part in line))
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return Size(len(os.listdir(f"/proc/{pid}/fd")), resident)


def left_cgroups(ids: set[str]) -> list[str]:
    """Control groups of those containers."""
    groups = Path("/sys/fs/cgroup").glob("**/weft*/*")
    return [str(group) for group in groups if any(name in group.name for name in ids)]


def test_whatever_is_asked_is_answered_and_nothing_stays_behind(engine: WeftEngine) -> None:
    warming = ask(engine, REQUESTS // 5, SEED)
    clean(engine)
    before, small = settled(engine), size(engine)
    reports = ask(engine, REQUESTS - REQUESTS // 5, SEED + 100)
    clean(engine)

    reports += warming
    print({key: [report[key] for report in reports] for key in ("sent", "statuses", "slowest")})
    assert sum(report["sent"] for report in reports) >= REQUESTS // WORKERS * WORKERS
    found = {key: text for report in reports for key, text in report["found"].items()}
    assert not found, "\n".join(f"{key}\n{text}" for key, text in found.items())
    assert settled(engine) == before
    made = {name for report in reports for name in report["made"]}
    assert left_cgroups(made) == []

    def flat() -> bool:
        now = size(engine)
        assert now.files <= small.files + SPARE_FDS, (small, now)
        assert now.memory <= small.memory + SPARE_MEMORY, (small, now)
        return True

    eventually(flat)
    log = engine.log.read_text()
    assert "level=error" not in log, [line for line in log.splitlines() if "level=error" in line]
