"""docker-py 7 on the shared engine, at the version that it negotiates."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import docker as docker_py
import pytest
from docker import APIClient, DockerClient

from rig.engine import Engine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """docker-py leaves the sockets of the streams it reads to the garbage collector."""
    for item in items:
        if "/docker_py/" in str(item.path):
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """Sockets that were left behind are closed while their warnings are still those of these tests."""
    yield
    gc.collect()


@pytest.fixture
def client(engine: Engine) -> Iterator[DockerClient]:
    """A client as `docker.from_env()` makes it."""
    made = docker_py.DockerClient(base_url=engine.url, version="auto")
    yield made
    made.close()


@pytest.fixture
def low(client: DockerClient) -> APIClient:
    """Its low-level client."""
    return client.api
