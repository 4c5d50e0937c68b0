"""The real clients: docker's CLI and docker-py."""

import asyncio
import os
import pty
import shutil
import termios
import tty as terminal
from collections.abc import Callable
from typing import Any

import docker
import pytest
from fake_backend import FakeEngine

from weft.model.event import Event

_CLIS = sorted({cli for cli in (shutil.which("docker"), "/usr/bin/docker") if cli and os.path.exists(cli)})
pytestmark = pytest.mark.skipif(not _CLIS, reason="needs docker's CLI")
_TIME = 30


class Cli:
    """One docker CLI against the served API."""

    def __init__(self, program: str, path: str, home: str) -> None:
        self._argv = (program, "-H", f"unix://{path}")
        self._environment = {"HOME": home, "PATH": os.environ["PATH"], "TERM": "dumb"}

    async def run(self, *argv: str, stdin: bytes = b"") -> tuple[int, str, str]:
        process = await self.start(*argv)
        out, err = await asyncio.wait_for(process.communicate(stdin), _TIME)
        return process.returncode or 0, out.decode(), err.decode()

    async def start(self, *argv: str, **streams: Any) -> asyncio.subprocess.Process:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE) | streams
        return await asyncio.create_subprocess_exec(*self._argv, *argv, env=self._environment, **pipes)

    async def ok(self, *argv: str, stdin: bytes = b"") -> str:
        code, out, err = await self.run(*argv, stdin=stdin)
        assert code == 0, err
        return out


@pytest.fixture(params=_CLIS)
def cli(request: pytest.FixtureRequest, socket_path: str, tmp_path: Any) -> Cli:
    return Cli(request.param, socket_path, str(tmp_path))


async def test_version_info_and_lists(cli: Cli, engine: FakeEngine) -> None:
    assert "28.5.2" in await cli.ok("version")
    assert "Storage Driver: overlay2" in await cli.ok("info")
    engine.containers.add("one")
    assert "one" in await cli.ok("ps", "-a", "--size")
    assert "bridge" in await cli.ok("network", "ls", "--filter", "name=bri")
    assert '"docker.sock"' not in await cli.ok("network", "inspect", "bridge")
    assert await cli.ok("inspect", "-f", "{{.HostConfig.NetworkMode}}", "one") == "bridge\n"
    assert "busybox" in await cli.ok("images")
    assert "RECLAIMABLE" in await cli.ok("system", "df")
    assert await cli.ok("volume", "create", "vol") == "vol\n"
    assert "vol" in await cli.ok("volume", "ls")


async def test_run_gives_output_and_exit_codes(cli: Cli, engine: FakeEngine) -> None:
    assert await cli.run("run", "--rm", "busybox", "echo", "hello") == (0, "hello\n", "")
    assert await cli.run("run", "--rm", "busybox", "both") == (0, "out\n", "err\n")
    assert (await cli.run("run", "--rm", "busybox", "exit", "3"))[0] == 3
    assert engine.containers.records == {}
    data = b"line\n" * 200_000
    assert (await cli.run("run", "-i", "--rm", "busybox", "cat", stdin=data))[1].encode() == data


async def test_exec_gives_output_and_exit_codes(cli: Cli, engine: FakeEngine) -> None:
    await cli.ok("run", "-d", "--name", "c", "busybox", "sleep")
    assert await cli.run("exec", "c", "both") == (0, "out\n", "err\n")
    assert (await cli.run("exec", "c", "exit", "4"))[0] == 4
    assert (await cli.run("exec", "-i", "c", "cat", stdin=b"abc"))[1] == "abc"
    code, out, _ = await cli.run("exec", "c", "missing")
    assert code == 127
    assert "executable file not found" in out
    await cli.ok("rm", "-f", "c")


async def test_errors_read_as_dockers(cli: Cli) -> None:
    code, _, err = await cli.run("start", "nope")
    assert code == 1
    assert "Error response from daemon: No such container: nope" in err or "Error: No such container: nope" in err
    code, _, err = await cli.run("run", "--rm", "--storage-opt", "size=1g", "busybox", "true")
    assert code == 125
    assert "HostConfig.StorageOpt is not supported" in err
    code, _, err = await cli.run("service", "ls")
    assert "This node is not a swarm manager" in err


async def test_a_terminal_with_detach_keys(cli: Cli, engine: FakeEngine) -> None:
    ours, theirs = pty.openpty()
    terminal.setraw(theirs)
    termios.tcsetwinsize(theirs, (24, 80))
    process = await cli.start("run", "-it", "--name", "t", "busybox", "cat", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        await _until(lambda: bool(engine.containers.processes))
        os.write(ours, b"hello\r")
        assert b"hello\r" in await _read_until(ours, b"hello\r")
        await _until(lambda: ("resize", "t", 24, 80) in engine.containers.calls)
        os.write(ours, b"\x10")
        os.write(ours, b"\x11")
        assert await asyncio.wait_for(process.wait(), _TIME) == 0
        assert engine.containers.find("t").state.is_running
    finally:
        os.close(ours)


async def test_wait_events_and_logs_follow(cli: Cli, engine: FakeEngine) -> None:
    await cli.ok("run", "-d", "--name", "c", "busybox", "sleep")
    waiting, events = await cli.start("wait", "c"), await cli.start("events", "--format", "{{.Action}}")
    await _until(lambda: bool(engine.containers.waiters) and bool(engine.events.queues))
    engine.events.emit(Event(type="container", action="die", actor_id="x", time=1))
    assert events.stdout is not None
    assert await asyncio.wait_for(events.stdout.readline(), _TIME) == b"die\n"
    events.terminate()
    await events.communicate()
    await cli.run("stop", "c")
    assert (await asyncio.wait_for(waiting.communicate(), _TIME))[0] == b"143\n"


async def test_docker_py(socket_path: str, engine: FakeEngine) -> None:
    def use() -> None:
        client = docker.DockerClient(base_url=f"unix://{socket_path}")
        try:
            assert client.version()["ApiVersion"] == "1.51"
            assert client.info()["Driver"] == "overlay2"
            container = client.containers.run("busybox", ["sleep"], detach=True, name="c", ports={"80/tcp": 8080})
            assert container.status == "created" or container.status == "running"
            container.reload()
            assert container.status == "running"
            assert container.ports == {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}
            assert [c.name for c in client.containers.list(filters={"name": "c"})] == ["c"]
            assert container.exec_run(["both"], demux=True) == (0, (b"out\n", b"err\n"))
            _, sock = container.exec_run(["cat"], stdin=True, socket=True)
            connection = sock._sock
            connection.sendall(b"ping")
            assert sock.read(12) == b"\x01\0\0\0\0\0\0\x04ping"
            sock.close()
            connection.close()  # docker-py closes the file that it made of it, and forgets the socket
            network = client.networks.create("n", driver="bridge", labels={"a": "b"}, check_duplicate=True)
            assert network.attrs["Labels"] == {"a": "b"}
            assert [n.name for n in client.networks.list(names=["n"])] == ["none", "n"]
            network.remove()
            with pytest.raises(docker.errors.ImageNotFound):
                client.images.get("nope")
            assert client.images.get("busybox").tags == ["busybox:latest"]
            container.kill()
            assert container.wait()["StatusCode"] == 137
            container.remove()
            with pytest.raises(docker.errors.NotFound):
                client.containers.get("c")
        finally:
            client.close()

    await asyncio.wait_for(asyncio.to_thread(use), _TIME)


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def _read_until(descriptor: int, wanted: bytes) -> bytes:
    data = b""
    while wanted not in data:
        data += await asyncio.wait_for(asyncio.to_thread(os.read, descriptor, 1024), _TIME)
    return data
