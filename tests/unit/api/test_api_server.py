"""Serving: event loops, several sockets, TLS, and stopping."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop
from fake_backend import FakeEngine
from raw_client import RawClient, listen

from weft.api.app import create_app
from weft.api.server import Server, serve
from weft.model.container import ContainerSpec, ProcessSpec

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def _tcp() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    return listener


def _cat(engine: FakeEngine) -> None:
    process = ProcessSpec(cmd=("cat",), open_stdin=True, stdin_once=True)
    engine.containers.add("c", spec=ContainerSpec(image="busybox", process=process))


def _run(loop: str, scenario: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(scenario())  # type: ignore[arg-type]


async def _echo(client: RawClient, engine: FakeEngine, *, half_close: bool = True) -> None:
    """50 MB there and back through a hijacked connection."""
    await client.request("POST /containers/c/attach?stream=1&stdin=1&stdout=1&stderr=1", upgrade=True)
    await engine.containers.start("c")
    block, blocks = b"z" * (1 << 20), 50

    async def send() -> None:
        for _ in range(blocks):
            client.writer.write(block)
            await client.writer.drain()
        if half_close:
            client.writer.write_eof()

    sender = asyncio.get_running_loop().create_task(send())
    received = 0
    while received < blocks * len(block):
        stream, data = await client.frame()
        assert stream == 1
        assert data.strip(b"z") == b""
        received += len(data)
    await sender
    if half_close:
        assert await client.rest() == b""


@pytest.mark.parametrize("loop", LOOPS)
def test_both_event_loops_carry_streams_over_unix_and_tcp(loop: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        engine, tcp = FakeEngine(), _tcp()
        server = await serve(create_app(engine.backend), [(listen(tmp_path / "s"), None), (tcp, None)])
        over_tcp = RawClient(*await asyncio.open_connection(*tcp.getsockname()))
        for client in (await RawClient.connect(str(tmp_path / "s")), over_tcp):
            engine.containers.records.clear()
            _cat(engine)
            await _echo(client, engine)
            await client.close()
        await server.stop(1)

    _run(loop, scenario)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
@pytest.mark.parametrize("loop", LOOPS)
def test_tls(loop: str, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=w",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(certificate, key)
    outside = ssl.create_default_context(cafile=str(certificate))
    outside.check_hostname = False

    async def scenario() -> None:
        engine, tcp = FakeEngine(), _tcp()
        server = await serve(create_app(engine.backend), [(tcp, inside)])
        client = RawClient(*await asyncio.open_connection(*tcp.getsockname(), ssl=outside))
        assert (await client.request("GET /v1.9/info")).startswith("HTTP/1.1 400")
        await client.reader.readuntil(b"}\n")
        assert (await client.request("GET /_ping")).startswith("HTTP/1.1 200")
        await client.reader.readexactly(2)
        _cat(engine)
        await _echo(client, engine, half_close=False)
        await engine.containers.stop("c", grace=None, signal="")
        assert await client.rest() == b""
        await client.close()
        await server.stop(1)

    _run(loop, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_stopping_ends_streams_and_carries_changes_through(loop: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = FakeEngine()
        process = ProcessSpec(cmd=("sleep",), open_stdin=True)
        for name in ("c", "d"):
            engine.containers.add(name, spec=ContainerSpec(image="busybox", process=process))
        await engine.containers.start("c")
        server = await serve(create_app(engine.backend), [(listen(tmp_path / "s"), None)], grace=5)
        requests = {
            "events": "GET /events",
            "attach": "POST /containers/c/attach?stream=1&stdin=1&stdout=1",
            "wait": "POST /containers/c/wait",
            "logs": "GET /containers/c/logs?follow=1&stdout=1",
        }
        streams = {name: await RawClient.connect(str(tmp_path / "s")) for name in requests}
        for name, client in streams.items():
            await client.request(requests[name], upgrade=name == "attach")
        engine.containers.slow.clear()
        change = await RawClient.connect(str(tmp_path / "s"))
        change.writer.write(b"POST /containers/d/start HTTP/1.1\r\nHost: d\r\n\r\n")
        await asyncio.sleep(0.1)
        stopping = asyncio.get_running_loop().create_task(server.stop(5))
        for client in streams.values():
            await client.rest()
        with pytest.raises((ConnectionError, FileNotFoundError)):
            await RawClient.connect(str(tmp_path / "s"))
        assert not stopping.done()
        engine.containers.slow.set()
        assert (await change.head()).startswith("HTTP/1.1 204")
        await stopping
        assert engine.containers.find("d").state.is_running
        assert engine.containers.find("c").state.is_running
        for client in (*streams.values(), change):
            await client.close()

    _run(loop, scenario)


async def test_a_socket_that_cannot_be_served_leaves_nothing_open(tmp_path: Path) -> None:
    good, datagrams = listen(tmp_path / "s"), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with pytest.raises(ValueError, match=r"(?i)stream"):
        await serve(create_app(FakeEngine().backend), [(good, None), (datagrams, None)])
    datagrams.close()
    with pytest.raises(ConnectionError):
        await RawClient.connect(str(tmp_path / "s"))


def test_the_helper_types_are_what_the_daemon_wires() -> None:
    assert callable(create_app)
    assert {"stop"} <= set(dir(Server))
