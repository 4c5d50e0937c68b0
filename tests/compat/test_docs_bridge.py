"""The commands of docs/drivers/bridge.md, typed as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rig.docker import Docker

pytestmark = pytest.mark.weft_only("options of Docker 28, and weft.publish")
PAGE = Path(__file__).parents[2] / "docs" / "drivers" / "bridge.md"


def commands() -> list[str]:
    """The lines that a reader would type."""
    return [line.strip() for line in PAGE.read_text().splitlines() if re.match(r"    (docker|weft|nft) ", line)]


def test_every_command_works(docker_newest: Docker) -> None:
    typed = commands()
    assert len(typed) >= 7
    for line in typed:
        done = docker_newest.shell(line)
        assert done.returncode == 0, f"{line}: {done.stderr}"
    assert done.stdout.strip() == "lan"
