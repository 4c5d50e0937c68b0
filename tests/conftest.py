"""Fixtures shared by the tests that need a whole engine: `--engine` says which one is under test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rig.api import RawApi
from rig.docker import CLIS, Docker, cli_major
from rig.engine import ENGINES, Engine, Kind, MakeEngine
from rig.host import Host
from rig.image import BUSYBOX_CONFIG, busybox_layer, write_archive
from rig.internet import Internet
from rig.lab import Lab


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=sorted(ENGINES),
        default="weft",
        help="the engine that tests/compat and tests/netns/engine drive",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "weft_only(reason): what the reference engine of API 1.41 does not do")
    config.addinivalue_line("markers", "newer_cli: what can be typed from version 28 of the docker CLI on alone")
    config.addinivalue_line(
        "markers", "reference_only(reason): what Weft refuses by name; test_refused_by_name.py checks"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = {"weft": "reference_only", "docker": "weft_only"}[config.getoption("--engine")]
    unwanted = [others, *(["newer_cli"] if cli_major() < 28 else [])]
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in unwanted)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which engine is under test."""
    chosen: Kind = request.config.getoption("--engine")
    return chosen


@pytest.fixture(scope="session")
def busybox_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A docker-archive of `busybox:latest`."""
    archive = tmp_path_factory.mktemp("images") / "busybox.tar"
    write_archive(archive, ["busybox:latest"], [busybox_layer()], BUSYBOX_CONFIG)
    return archive


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, busybox_archive: Path) -> Iterator[Lab]:
    """Where hosts with engines come from: a registry's storage, a small internet, the busybox image."""
    with Lab(tmp_path_factory.mktemp("registry") / "storage", busybox_archive) as made:
        yield made


@pytest.fixture(scope="session")
def internet(lab: Lab) -> Internet:
    """The small internet beyond every engine's host."""
    return lab.internet


@pytest.fixture(scope="session")
def shared_engine(lab: Lab, kind: Kind) -> Iterator[Engine]:
    """One engine for all tests that leave it as they found it."""
    engine = lab.engine(kind)
    for image in ("alpine", "nginx"):
        assert engine.api.post(f"/images/create?fromImage={image}&tag=latest").status == 200
    yield engine
    engine.host.close()


@pytest.fixture
def engine(shared_engine: Engine) -> Iterator[Engine]:
    """The shared engine, empty of containers, volumes and networks afterwards."""
    yield shared_engine
    shared_engine.sweep()


@pytest.fixture
def host(engine: Engine) -> Host:
    """The host of the shared engine."""
    return engine.host


@pytest.fixture
def api(engine: Engine) -> RawApi:
    """A kept connection to the shared engine, API 1.41."""
    return engine.api


@pytest.fixture(params=CLIS, ids=lambda cli: cli.replace("/", "_"))
def docker(request: pytest.FixtureRequest, engine: Engine) -> Docker:
    """Each docker CLI of this machine, on the shared engine."""
    return Docker(engine, request.param)


@pytest.fixture
def docker_newest(engine: Engine) -> Docker:
    """The docker CLI that is first on PATH, for what an older one has no flag for."""
    return Docker(engine, CLIS[0])


@pytest.fixture
def make_engine(lab: Lab, kind: Kind) -> Iterator[MakeEngine]:
    """`make_engine({…}, flags=[…])`: an engine in a new host, both gone after the test."""
    hosts: list[Host] = []

    def make(config: Mapping[str, Any] | None = None, *, flags: Sequence[str] = (), start: bool = True) -> Engine:
        engine = lab.engine(kind, config, start=False)
        engine.flags += flags
        hosts.append(engine.host)
        if start:
            engine.start()
            lab.load(engine)
        return engine

    yield make
    for host in hosts:
        host.close()
