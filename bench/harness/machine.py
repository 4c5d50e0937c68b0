"""Where and with what a run was made."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

_PROGRAMS = {
    "dockerd": ["/usr/sbin/dockerd", "--version"],
    "containerd": ["containerd", "--version"],
    "docker CLI": ["docker", "--version"],
    "crun": ["crun", "--version"],
    "runc": ["runc", "--version"],
    "conmon": ["conmon", "--version"],
    "iperf3": ["iperf3", "--version"],
}


def description() -> list[str]:
    """Lines of Markdown: date, machine, versions."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].split(":", 1)[1].strip() if models else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- {model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}",
        f"- Python {platform.python_version()}; " + "; ".join(f"{name}: {_said(it)}" for name, it in _PROGRAMS.items()),
    ]


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    return lines[0] if lines else "?"
