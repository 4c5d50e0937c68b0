"""Attach over a websocket."""

import asyncio

import aiohttp
import pytest
from fake_backend import FakeEngine

from weft.engine.contract.runtime import LogLine
from weft.model.container import ContainerSpec, ProcessSpec


def _add(engine: FakeEngine, *argv: str, **process: bool) -> str:
    spec = ContainerSpec(image="busybox", process=ProcessSpec(cmd=argv, **process))  # type: ignore[arg-type]
    return engine.containers.add("c", spec=spec).id


async def _until(condition: object) -> None:
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_data_goes_both_ways_without_frames(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    container = _add(engine, "cat", open_stdin=True)
    await engine.containers.start("c")
    async with http.ws_connect("/v1.51/containers/c/attach/ws?stream=1&stdin=1&stdout=1") as websocket:
        await websocket.send_str("täxt")
        assert await websocket.receive_bytes() == "täxt".encode()
        await websocket.send_bytes(b"\0\xff")
        assert await websocket.receive_bytes() == b"\0\xff"
        await engine.containers.processes[container].exit(3)
        assert (await websocket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_streams_are_chosen_from_1_42_on(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    _add(engine, "both")
    for version, kind, expected in (
        ("1.42", "BINARY", [b"err\n"]),
        ("1.41", "BINARY", [b"out\n", b"err\n"]),
        ("1.27", "TEXT", ["out\n", "err\n"]),
    ):
        async with http.ws_connect(f"/v{version}/containers/c/attach/ws?stream=1&stderr=1") as websocket:
            await engine.containers.start("c")
            messages = [message async for message in websocket]
        assert [message.data for message in messages] == expected
        assert {message.type.name for message in messages} == {kind}


async def test_logs_come_first(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    container = _add(engine, "cat")
    engine.containers.lines[container] = [LogLine(1, 1, b"before\n")]
    async with http.ws_connect("/containers/c/attach/ws?logs=1&stdout=1") as websocket:
        assert [message.data async for message in websocket] == [b"before\n"]


@pytest.mark.parametrize("stdin", [0, 1])
async def test_a_client_that_closes_ends_the_session(
    engine: FakeEngine, http: aiohttp.ClientSession, stdin: int
) -> None:
    container = _add(engine, "sleep", open_stdin=True)
    await engine.containers.start("c")
    process = engine.containers.processes[container]
    async with http.ws_connect(f"/containers/c/attach/ws?stream=1&stdout=1&stdin={stdin}") as websocket:
        await _until(lambda: process.connections)
    assert websocket.close_code == 1000  # the daemon agreed
    await _until(lambda: not process.connections)
    assert engine.containers.find("c").state.is_running


async def test_detach_keys(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    _add(engine, "sleep", open_stdin=True, tty=True)
    await engine.containers.start("c")
    async with http.ws_connect("/containers/c/attach/ws?stream=1&stdin=1&detachKeys=ctrl-x") as websocket:
        await websocket.send_bytes(b"\x18")
        assert (await websocket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert engine.containers.find("c").state.is_running


async def test_a_protocol_asked_for_is_agreed_to(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    _add(engine, "sleep")
    async with http.ws_connect("/containers/c/attach/ws", protocols=("webdriver",)) as websocket:
        assert websocket.protocol == "webdriver"


async def test_what_is_no_websocket(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    container = _add(engine, "sleep")
    async with http.get("/containers/nope/attach/ws?stream=1") as answer:
        assert (answer.status, await answer.json()) == (404, {"message": "No such container: nope"})
    async with http.get("/containers/c/attach/ws?stream=1") as answer:
        assert answer.status == 400
        assert "not websocket protocol" in (await answer.json())["message"]
    assert not [each for each in engine.containers.processes.values() if each.connections], container
