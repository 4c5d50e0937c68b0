"""Each project with each Compose there is; afterwards nothing of it may be left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.compose import PROGRAMS, Compose, generation
from rig.engine import Engine
from rig.eventually import eventually
from rig.leftovers import roots, settled


@pytest.fixture(scope="session")
def compose_engine(shared_engine: Engine) -> Engine:
    """The shared engine with the images that projects ask for."""
    assert shared_engine.api.post("/images/create?fromImage=redis&tag=latest").status == 200
    return shared_engine


@pytest.fixture(params=PROGRAMS, ids=lambda program: f"compose{generation(program)}")
def compose(request: pytest.FixtureRequest, compose_engine: Engine) -> Iterator[Compose]:
    """Compose in the project that the test's file is named after (`test_compose_NAME.py`), which goes down at the end.

    What it makes must be gone then: containers, networks, volumes, and what these are made of on the host.
    """
    compose_engine.sweep()
    before = settled(compose_engine)
    name = request.path.stem.removeprefix("test_compose_")
    made = Compose(compose_engine, request.param, Path(__file__).with_name(name))
    try:
        yield made
        made.run("down", "--volumes", "--timeout", "0", "--remove-orphans")
        remaining = {
            "containers": made.docker.lines("ps", "-aq", "--filter", "label=com.docker.compose.project"),
            "networks": made.docker.lines("network", "ls", "-q", "--filter", "label=com.docker.compose.project"),
            "volumes": made.docker.lines("volume", "ls", "-q"),
        }
    finally:
        compose_engine.sweep()
    assert remaining == {"containers": [], "networks": [], "volumes": []}
    eventually(lambda: not roots(compose_engine))
    assert settled(compose_engine) == before
