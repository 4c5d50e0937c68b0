"""The command line: which sections, how often, and whether the results are kept."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import machine
from harness.bench import Bench
from harness.programs import Programs
from harness.row import Row, table
from rig.image import BUSYBOX_CONFIG, busybox_layer, write_archive
from sections import (
    connects,
    docker_run,
    endpoints,
    fifty,
    five_hundred,
    lifecycle,
    many_ports,
    memory,
    names,
    networks,
    ports,
    throughput,
)

RESULTS = Path(__file__).resolve().parents[1] / "RESULTS.md"
SECTIONS: dict[str, Callable[[Bench], list[Row]]] = {
    "docker-run": docker_run.measure,
    "lifecycle": lifecycle.measure,
    "networks": networks.measure,
    "ports": ports.measure,
    "many-ports": many_ports.measure,
    "endpoints": endpoints.measure,
    "fifty": fifty.measure,
    "five-hundred": five_hundred.measure,
    "names": names.measure,
    "connects": connects.measure,
    "throughput": throughput.measure,
    "memory": memory.measure,
}


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure Weft and dockerd side by side.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"all, or some of: {', '.join(SECTIONS)}")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of the quick operations (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=2, help="seconds of one run of load (default %(default)g)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    chosen = parser.parse_args(given)
    if unknown := [name for name in chosen.sections if name not in SECTIONS]:
        parser.error(f"no such section: {', '.join(unknown)}")
    if chosen.rounds < 1 or chosen.seconds <= 0:
        parser.error("rounds and seconds must be positive")
    return chosen


def main(given: Sequence[str] | None = None) -> int:
    """Measure and print; return 0 if every target is met, else 1."""
    chosen = _arguments(given)
    if os.geteuid() != 0:
        sys.exit("bench/run.py needs root: it makes hosts of network, mount and process namespaces")
    # So that the hosts are closed then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows: list[Row] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        bench = _prepare(chosen, Path(directory))
        for name in chosen.sections or SECTIONS:
            try:
                rows += _measured(name, bench)
            except Exception:  # noqa: BLE001 - the other sections' figures are worth having
                traceback.print_exc()
                failed.append(name)
    verdict = _verdict(rows, failed)
    print(f"\n{table(rows)}\n\n{verdict}")
    if chosen.write:
        RESULTS.write_text(_report(chosen, rows, verdict))
    return 0 if not failed and all(row.met for row in rows) else 1


def _prepare(chosen: argparse.Namespace, directory: Path) -> Bench:
    archive = directory / "busybox.tar"
    write_archive(archive, ["busybox:latest"], [busybox_layer()], BUSYBOX_CONFIG)
    return Bench(chosen.rounds, chosen.seconds, archive, Programs(directory))


def _measured(name: str, bench: Bench) -> list[Row]:
    began = time.monotonic()
    rows = SECTIONS[name](bench)
    print(f"\n{name} ({time.monotonic() - began:.0f} s)\n\n{table(rows)}", flush=True)
    return rows


def _verdict(rows: list[Row], failed: list[str]) -> str:
    missed = [row.operation for row in rows if not row.met]
    met = f"Not met: {'; '.join(missed)}." if missed else "Every target is met."
    return f"{met} Could not be measured: {', '.join(failed)}." if failed else met


def _report(chosen: argparse.Namespace, rows: list[Row], verdict: str) -> str:
    how = f"`bench/run.py {' '.join([*chosen.sections, f'--rounds {chosen.rounds} --seconds {chosen.seconds:g}'])}`"
    lines = [
        "# Results",
        "",
        *machine.description(),
        f"- {how}: medians, engines taking turns",
        "",
        table(rows),
        "",
        verdict,
        "",
    ]
    return "\n".join(lines)
