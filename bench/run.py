"""Weft beside Debian's dockerd on this machine: `python bench/run.py [section …]`, as root.

Each measurement alternates between the engines within one run, and the table gives the ratio of their medians.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import sections_lifecycle as lifecycle  # noqa: E402 - found by the line above
import sections_traffic as traffic  # noqa: E402
from bench import Bench  # noqa: E402
from rig.engine import Kind  # noqa: E402
from table import Row, markdown  # noqa: E402

SECTIONS: dict[str, Callable[[Bench], list[Row]]] = {
    "cli": lifecycle.cli,
    "start": lifecycle.start_stop,
    "networks": lifecycle.networks,
    "ports": lifecycle.ports,
    "many-ports": lifecycle.many_ports,
    "fifty": lifecycle.fifty,
    "names": traffic.names,
    "connects": traffic.connects,
    "throughput": traffic.throughput,
    "memory": traffic.memory,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}; all when none is given")
    parser.add_argument("--engine", choices=["docker", "weft"], help="measure this one alone")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.sections if name not in SECTIONS]:
        parser.error(f"no such section: {', '.join(unknown)}")
    return chosen


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return f"{os.cpu_count()} cores, {memory} GiB, Linux {platform.release()}, Python {platform.python_version()}"


def main() -> int:
    """Measure and print; 1 when a section failed or a target is missed."""
    chosen = _arguments()
    kinds: list[Kind] = [chosen.engine] if chosen.engine else ["docker", "weft"]
    rows: list[Row] = []
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as tools:
        bench = Bench(kinds, Path(tools))
        try:
            for name in chosen.sections or SECTIONS:
                print(f"{name} …", file=sys.stderr, flush=True)
                try:
                    rows += SECTIONS[name](bench)
                except Exception:  # noqa: BLE001 - the other sections are worth having
                    traceback.print_exc()
                    broken.append(name)
                    bench.renew()
        finally:
            bench.close()
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"{now}; {_machine()}. Medians; ratios are Weft / dockerd unless the line says otherwise.\n\n{markdown(rows)}"
    text += "".join(f"\nThe section {name} failed and is missing.\n" for name in broken)
    print(text)
    if chosen.write:
        (HERE / "RESULTS.md").write_text(f"# Weft beside dockerd\n\n{text}")
    return int(bool(broken) or any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
