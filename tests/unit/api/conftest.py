"""A served API over a fake engine, on a Unix socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from fake_backend import FakeEngine
from raw_client import RawClient, listen

from weft.api.app import create_app
from weft.api.server import Server, serve


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def server(engine: FakeEngine, tmp_path: Path) -> AsyncIterator[Server]:
    running = await serve(create_app(engine.backend), [(listen(tmp_path / "api.sock"), None)], grace=1)
    yield running
    for process in [*engine.containers.processes.values(), *engine.execs.processes.values()]:
        process.stop()
    await running.stop(1)


@pytest.fixture
def socket_path(server: Server, tmp_path: Path) -> str:
    return str(tmp_path / "api.sock")


@pytest.fixture
async def http(socket_path: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession("http://docker/", connector=aiohttp.UnixConnector(socket_path)) as session:
        yield session


@pytest.fixture
async def raw(socket_path: str) -> AsyncIterator[RawClient]:
    client = await RawClient.connect(socket_path)
    yield client
    await client.close()
