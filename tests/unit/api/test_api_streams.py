"""Hijacked connections, logs, wait and events, seen from the wire."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from fake_backend import FakeEngine
from raw_client import RawClient

from weft.engine.contract.runtime import LogLine
from weft.model.container import ContainerSpec, LogConfig, ProcessSpec
from weft.model.errors import SystemFailure
from weft.model.event import Event


def _add(engine: FakeEngine, *argv: str, **process: object) -> str:
    spec = ContainerSpec(image="busybox", process=ProcessSpec(cmd=argv, **process))  # type: ignore[arg-type]
    return engine.containers.add("c", spec=spec).id


async def _until(condition: object) -> None:
    for _ in range(500):
        if condition():  # type: ignore[operator]
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def test_attach_upgrades_and_frames(engine: FakeEngine, raw: RawClient) -> None:
    _add(engine, "both")
    head = await raw.request("POST /v1.51/containers/c/attach?stream=1&stdout=1&stderr=1", upgrade=True)
    assert head.startswith("HTTP/1.1 101 UPGRADED\r\n")
    assert "Content-Type: application/vnd.docker.multiplexed-stream\r\n" in head
    assert "Connection: Upgrade\r\nUpgrade: tcp\r\n" in head
    assert "Api-Version: 1.51\r\n" in head
    await engine.containers.start("c")
    assert await raw.frame() == (1, b"out\n")
    assert await raw.frame() == (2, b"err\n")
    assert await raw.rest() == b""


async def test_attach_without_upgrade_is_200_and_raw(engine: FakeEngine, raw: RawClient) -> None:
    _add(engine, "both")
    head = await raw.request("POST /v1.41/containers/c/attach?stream=1&stderr=1")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "Upgrade" not in head
    assert "Content-Type: application/vnd.docker.raw-stream\r\n" in head
    await engine.containers.start("c")
    assert await raw.frame() == (2, b"err\n")
    assert await raw.rest() == b""


async def test_half_close_ends_the_input_and_keeps_the_output(engine: FakeEngine, raw: RawClient) -> None:
    _add(engine, "cat", open_stdin=True, stdin_once=True)
    await raw.request("POST /containers/c/attach?stream=1&stdin=1&stdout=1&stderr=1", upgrade=True)
    await engine.containers.start("c")
    raw.writer.write(b"hello")
    raw.writer.write_eof()
    assert await raw.frame() == (1, b"hello")
    assert await raw.rest() == b""
    assert engine.containers.find("c").state.exit_code == 0
    assert not engine.containers.find("c").state.is_running


async def test_half_close_ends_the_session_where_input_outlives_it(engine: FakeEngine, raw: RawClient) -> None:
    container = _add(engine, "cat", open_stdin=True)
    await engine.containers.start("c")
    await raw.request("POST /containers/c/attach?stream=1&stdin=1&stdout=1", upgrade=True)
    raw.writer.write(b"hello")
    assert await raw.frame() == (1, b"hello")
    raw.writer.write_eof()
    assert await raw.rest() == b""
    assert engine.containers.find("c").state.is_running
    assert not engine.containers.processes[container].connections


@pytest.mark.parametrize(
    ("query", "keys"), [("", b"\x10\x11"), ("&detachKeys=ctrl-x,q", b"\x18q"), ("&detachKeys=ctrl-%5D", b"\x1d")]
)
async def test_detach_keys_leave_a_terminal(engine: FakeEngine, raw: RawClient, query: str, keys: bytes) -> None:
    container = _add(engine, "cat", tty=True, open_stdin=True)
    await engine.containers.start("c")
    await raw.request(f"POST /containers/c/attach?stream=1&stdin=1&stdout=1{query}", upgrade=True)
    raw.writer.write(b"a\x10b")
    await _until(lambda: engine.containers.processes[container].received == b"a\x10b")
    for key in keys:
        raw.writer.write(bytes((key,)))
        await raw.writer.drain()
    assert await raw.rest() == b"a\x10b"
    assert engine.containers.find("c").state.is_running
    assert engine.containers.processes[container].received == b"a\x10b"


async def test_without_a_terminal_there_are_no_detach_keys(engine: FakeEngine, raw: RawClient) -> None:
    _add(engine, "cat", open_stdin=True, stdin_once=True)
    await engine.containers.start("c")
    await raw.request("POST /containers/c/attach?stream=1&stdin=1&stdout=1", upgrade=True)
    raw.writer.write(b"\x10\x11")
    assert await raw.frame() == (1, b"\x10\x11")


async def test_input_for_a_process_that_closed_its_own(engine: FakeEngine, raw: RawClient) -> None:
    container = _add(engine, "deaf", open_stdin=True, stdin_once=True)
    await engine.containers.start("c")
    await raw.request("POST /containers/c/attach?stream=1&stdin=1&stdout=1", upgrade=True)
    raw.writer.write(b"anyone there?")
    await asyncio.sleep(0.05)
    await engine.containers.processes[container].emit(1, b"late")
    assert await raw.frame() == (1, b"late")


async def test_a_client_that_vanishes_frees_its_stream(engine: FakeEngine, socket_path: str) -> None:
    container = _add(engine, "sleep", open_stdin=True)
    await engine.containers.start("c")
    client = await RawClient.connect(socket_path)
    await client.request("POST /containers/c/attach?stream=1&stdin=1&stdout=1", upgrade=True)
    process = engine.containers.processes[container]
    assert len(process.connections) == 1
    await client.close()
    await _until(lambda: not process.connections)


async def test_a_slow_client_is_waited_for_and_blocks_nobody(
    engine: FakeEngine, raw: RawClient, socket_path: str
) -> None:
    container = _add(engine, "flood", "500")
    await raw.request("POST /containers/c/attach?stream=1&stdout=1", upgrade=True)
    await engine.containers.start("c")
    await asyncio.sleep(0.3)
    process = engine.containers.processes[container]
    assert 0 < process.flooded < 400
    other = await RawClient.connect(socket_path)
    assert (await other.request("GET /_ping")).startswith("HTTP/1.1 200")
    await other.close()
    total = 0
    while data := await asyncio.wait_for(raw.reader.read(1 << 20), 10):
        total += len(data)
    assert total == 500 * (65536 + 8)


async def test_attach_replays_logs(engine: FakeEngine, raw: RawClient) -> None:
    container = _add(engine, "sleep")
    engine.containers.lines[container] = [LogLine(1, 1, b"old\n")]
    await raw.request("POST /containers/c/attach?logs=1&stdout=1", upgrade=True)
    assert await raw.frame() == (1, b"old\n")
    assert await raw.rest() == b""


async def _exec(http: aiohttp.ClientSession, *argv: str, **body: object) -> str:
    request = {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True, **body}
    async with http.post("/containers/c/exec", json=request) as response:
        assert response.status == 201
        return str((await response.json())["Id"])


async def test_exec_start_with_a_body_upgrades(engine: FakeEngine, http: aiohttp.ClientSession, raw: RawClient) -> None:
    _add(engine, "sleep")
    await engine.containers.start("c")
    exec_id = await _exec(http, "cat", AttachStdin=True)
    head = await raw.request(f"POST /v1.51/exec/{exec_id}/start", body=b'{"Detach":false,"Tty":false}', upgrade=True)
    assert head.startswith("HTTP/1.1 101 UPGRADED\r\n")
    raw.writer.write(b"x" * 100_000)
    received = b""
    while len(received) < 100_000:
        stream, data = await raw.frame()
        assert stream == 1
        received += data
    raw.writer.write_eof()
    assert await raw.rest() == b""
    async with http.get(f"/exec/{exec_id}/json") as response:
        answer = await response.json()
    assert (answer["Running"], answer["ExitCode"], answer["OpenStdin"]) == (False, 0, True)
    assert answer["ProcessConfig"]["entrypoint"] == "cat"


async def test_an_exec_that_cannot_start_says_so_in_the_stream(
    engine: FakeEngine, http: aiohttp.ClientSession, raw: RawClient
) -> None:
    _add(engine, "sleep")
    await engine.containers.start("c")
    exec_id = await _exec(http, "missing")
    head = await raw.request(f"POST /exec/{exec_id}/start", body=b"{}", upgrade=True)
    assert head.startswith("HTTP/1.1 101")
    stream, text = await raw.frame()
    assert stream == 1
    assert text.endswith(b"executable file not found in $PATH\r\n")
    assert await raw.rest() == b""


async def test_exec_errors_before_the_stream(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    _add(engine, "sleep")
    async with http.post("/exec/zz/start", json={}) as response:
        assert (response.status, await response.json()) == (404, {"message": "No such exec instance: zz"})
    async with http.post("/containers/c/exec", json={"Cmd": ["true"]}) as response:
        assert response.status == 409
    async with http.post("/containers/c/exec", json={}) as response:
        assert (response.status, await response.json()) == (400, {"message": "No exec command specified"})


async def test_exec_detached(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    _add(engine, "sleep")
    await engine.containers.start("c")
    exec_id = await _exec(http, "true")
    async with http.post(f"/exec/{exec_id}/start", json={"Detach": True}) as response:
        assert (response.status, await response.read()) == (200, b"")
    async with http.post(f"/exec/{exec_id}/resize?h=10&w=20") as response:
        assert response.status == 200
    assert engine.execs.sizes == [(exec_id, 10, 20)]


async def test_wait_sends_its_headers_before_the_exit(engine: FakeEngine, raw: RawClient) -> None:
    container = _add(engine, "sleep")
    head = await raw.request("POST /containers/c/wait?condition=next-exit")
    assert head.startswith("HTTP/1.1 200 OK")
    assert "Transfer-Encoding: chunked" in head
    await engine.containers.start("c")
    await engine.containers.processes[container].exit(3)
    assert json.loads(await raw.chunk()) == {"StatusCode": 3, "Error": None}
    assert await raw.chunk() == b""


async def test_wait_for_what_is_stopped_answers_now(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    _add(engine, "sleep")
    async with http.post("/containers/c/wait") as response:
        assert await response.json() == {"StatusCode": 0, "Error": None}


async def test_events_flush_each_one(engine: FakeEngine, raw: RawClient) -> None:
    head = await raw.request("GET /events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D")
    assert "Content-Type: application/json" in head
    await _until(lambda: engine.events.queues)
    attributes = {"image": "busybox", "name": "c"}
    for action in ("create", "start"):
        engine.events.emit(
            Event(type="container", action=action, actor_id="id", time=1_500_000_000_000_000_001, attributes=attributes)
        )
        answer = json.loads(await raw.chunk())
        assert answer == {
            "status": action,
            "id": "id",
            "from": "busybox",
            "Type": "container",
            "Action": action,
            "Actor": {"ID": "id", "Attributes": attributes},
            "scope": "local",
            "time": 1_500_000_000,
            "timeNano": 1_500_000_000_000_000_001,
        }
    engine.events.emit(Event(type="network", action="create", actor_id="n", time=1))
    assert json.loads(await raw.chunk()).keys() == {"Type", "Action", "Actor", "scope", "time", "timeNano"}
    assert engine.events.filters == [{"type": ("container",)}]
    await raw.close()
    await _until(lambda: not engine.events.queues)


async def test_bounded_and_wrong_events(http: aiohttp.ClientSession) -> None:
    async with http.get("/events?since=1&until=2.5") as response:
        assert (response.status, await response.read()) == (200, b"")
    async with http.get("/events?since=5&until=1") as response:
        assert response.status == 400
        assert (await response.json())["message"] == "`since` time (5) cannot be after `until` time (1)"
    for path in ("/events?since=x", "/events?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D"):
        async with http.get(path) as response:
            assert response.status == 400


async def test_logs_frame_stamp_and_select(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    container = _add(engine, "sleep")
    engine.containers.lines[container] = [
        LogLine(1, 1_500_000_000_000_000_001, b"one\n"),
        LogLine(2, 1_500_000_001_000_000_000, b"two\n"),
    ]
    async with http.get("/v1.41/containers/c/logs?stdout=1&stderr=1&timestamps=1") as response:
        assert response.headers["Content-Type"] == "application/vnd.docker.raw-stream"
        one, two = b"2017-07-14T02:40:00.000000001Z one\n", b"2017-07-14T02:40:01.000000000Z two\n"
        assert (
            await response.read()
            == b"\x01\0\0\0\0\0\0" + bytes((len(one),)) + one + b"\x02\0\0\0\0\0\0" + bytes((len(two),)) + two
        )
    async with http.get("/containers/c/logs?stderr=1&tail=5&since=1.5") as response:
        assert response.headers["Content-Type"] == "application/vnd.docker.multiplexed-stream"
        assert (await response.read())[8:] == b"two\n"
    query = engine.containers.calls[-1][1]
    assert (query.tail, query.since, query.stdout) == (5, 1_500_000_000, False)  # type: ignore[attr-defined]


async def test_many_log_lines_arrive_whole(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    container = _add(engine, "sleep", tty=True)
    engine.containers.lines[container] = [LogLine(1, 1, f"{i}\n".encode()) for i in range(50_000)]
    async with http.get("/containers/c/logs?stdout=1") as response:
        assert await response.read() == b"".join(f"{i}\n".encode() for i in range(50_000))


async def test_followed_logs_come_while_it_runs(engine: FakeEngine, raw: RawClient) -> None:
    container = _add(engine, "sleep", tty=True)
    await engine.containers.start("c")
    engine.containers.lines[container] = [LogLine(1, 1, b"now\n")]
    await raw.request("GET /containers/c/logs?stdout=1&follow=1")
    assert await raw.chunk() == b"now\n"
    await engine.containers.processes[container].exit(0)
    assert await raw.chunk() == b""


async def test_logs_of_a_driver_that_keeps_none(engine: FakeEngine, http: aiohttp.ClientSession) -> None:
    engine.containers.add("c", spec=ContainerSpec(image="busybox", log=LogConfig(driver="none")))
    async with http.get("/containers/c/logs?stdout=1") as response:
        assert response.status == 501
        assert await response.json() == {"message": "configured logging driver does not support reading"}


async def test_what_breaks_in_the_middle_closes_the_connection(
    engine: FakeEngine, raw: RawClient, socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    _add(engine, "sleep", open_stdin=True)
    await engine.containers.start("c")
    process = engine.containers.processes[engine.containers.find("c").id]

    async def broken(data: bytes) -> None:
        raise SystemFailure("the disk is full")

    process.take = broken  # type: ignore[method-assign]
    await raw.request("POST /containers/c/attach?stream=1&stdin=1&stdout=1", upgrade=True)
    raw.writer.write(b"x")
    assert await raw.rest() == b""  # no HTTP in a stream that is no longer HTTP
    assert "the disk is full" in caplog.text
    other = await RawClient.connect(socket_path)

    async def events(**options: object) -> AsyncIterator[Event]:
        await asyncio.sleep(0.05)
        raise SystemFailure("no memory")
        yield

    engine.events.subscribe = events  # type: ignore[method-assign, assignment]
    assert (await other.request("GET /events")).startswith("HTTP/1.1 200")
    assert await other.rest() == b""
    await other.close()
