"""The small C programs that make load, compiled when needed, and how to run a program in a network namespace."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SOURCES = Path(__file__).resolve().parents[1]


class Programs:
    """Compiles into `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def compiled(self, name: str) -> Path:
        """The program made of `name`.c, statically linked, so that it runs in any container."""
        program = self._directory / name
        if not program.exists():
            command = ["gcc", "-O2", "-Wall", "-static", "-o", str(program), str(_SOURCES / f"{name}.c")]
            subprocess.run(command, check=True)
        return program


def command_within(namespace: Path, arguments: Sequence[str | Path | float]) -> list[str]:
    """The argument list that runs a program of this machine inside a network namespace."""
    return ["nsenter", f"--net={namespace}", "--", *map(str, arguments)]


def output_within(namespace: Path, arguments: Sequence[str | Path | float]) -> Any:
    """The JSON that a program prints inside a network namespace. Raises `RuntimeError` with its words if it fails."""
    done = subprocess.run(
        command_within(namespace, arguments), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)
