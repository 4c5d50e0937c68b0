"""What Docker has and Weft has not: refused with an error that names it, never accepted and ignored."""

from __future__ import annotations

import re

import pytest

from rig.docker import Docker

pytestmark = pytest.mark.weft_only("it has these")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("create --storage-opt size=1g busybox", "StorageOpt"),
    ],
)
def test_refused_by_name(docker_newest: Docker, line: str, names: str) -> None:
    docker_newest.out("run", "-d", "--name", "one", "busybox", "top")
    refusal = docker_newest.fails(*line.split())
    assert re.search(names, refusal)
    assert "not supported" in refusal
    assert docker_newest.lines("ps", "-a", "--format", "{{.Names}}") == ["one"]
