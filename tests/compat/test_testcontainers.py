"""Testcontainers: a test suite of its own style passes on the engine's host and leaves nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from rig.engine import Engine

SUITE = Path(__file__).parent / "testcontainers" / "integration.py"


def test_a_suite_of_testcontainers(engine: Engine) -> None:
    assert engine.api.post("/images/create?fromImage=redis&tag=latest").status == 200
    done = engine.host.run(
        [
            *("env", f"DOCKER_HOST={engine.url}", f"HOME={engine.directory}", "TESTCONTAINERS_RYUK_DISABLED=true"),
            *(sys.executable, "-B", "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider"),
            *(f"--rootdir={SUITE.parent}", f"--basetemp={engine.directory}/testcontainers", SUITE),
        ],
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout
    assert engine.api.need("GET", "/containers/json?all=1") == []
    assert {network["Name"] for network in engine.api.need("GET", "/networks")} == {"bridge", "host", "none"}
