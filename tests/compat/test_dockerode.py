"""dockerode, the client of JavaScript programs: pull, attach, exec, logs, stats, events, networks, files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from rig.engine import Engine

WALK = Path(__file__).parent / "dockerode" / "walk.js"


def test_a_walk_with_dockerode(engine: Engine) -> None:
    done = subprocess.run(
        ["node", WALK],
        env={"PATH": os.environ["PATH"], "HOME": str(engine.directory), "DOCKER_HOST": engine.url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stdout + done.stderr
