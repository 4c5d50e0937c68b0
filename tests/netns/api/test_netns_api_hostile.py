"""Clients that are slow, that vanish, and that are many: nobody else notices, and nothing is left half-made."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rig.engine import Engine, WeftEngine
from rig.eventually import eventually
from rig.host import Host
from rig.image import BUSYBOX_CONFIG, busybox_layer, write_archive
from rig.leftovers import settled
from rig.raw import RawConnection

pytestmark = pytest.mark.weft_only("what is counted is weftd's own")

FOLLOWERS = 500
PROMPT = 5.0  # seconds, on a machine that does other things as well


@dataclass(frozen=True)
class Load:
    """Of weftd: threads, open files, resident bytes."""

    threads: int
    files: int
    memory: int


def load(engine: Engine) -> Load:
    """What weftd holds now."""
    (pid,) = (pid for pid, line in engine.host.processes().items() if any(part.endswith("/weftd") for part in line))
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return Load(len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd")), resident)


def begin(engine: Engine, name: str, command: list[str]) -> None:
    """A running container."""
    engine.api.need("POST", f"/containers/create?name={name}", {"Image": "busybox", "Cmd": command, "StopTimeout": 0})
    engine.api.need("POST", f"/containers/{name}/start")


@contextmanager
def streams(engine: Engine, *requests: tuple[str, str]) -> Iterator[list[RawConnection]]:
    """Connections that have an answer's head, and read nothing of what follows."""
    with ExitStack() as stack:
        opened = []
        for method, path in requests:
            connection = stack.enter_context(RawConnection(engine.socket))
            connection.request(method, path, upgrade=method == "POST")
            assert connection.head().split()[1] in (b"200", b"101"), path
            opened.append(connection)
        yield opened


def prompt(engine: Engine) -> bool:
    """Whether a request to another object is answered while all that goes on."""
    begun = time.monotonic()
    engine.api.need("GET", "/containers/json?all=1")
    begin(engine, "prompt", ["true"])
    engine.api.need("DELETE", "/containers/prompt?force=1")
    return time.monotonic() - begun < PROMPT


def test_who_reads_nothing_holds_nobody_up_and_costs_no_memory(engine: Engine) -> None:
    begin(engine, "chatty", ["sh", "-c", "while :; do seq 1 500; done"])
    before = load(engine)
    wanted = [("GET", "/events"), ("GET", "/events?since=1")]
    wanted += [("GET", f"/containers/chatty/logs?follow=1&stdout=1&stderr=1&timestamps={n}") for n in range(4)]
    wanted += [("POST", "/containers/chatty/attach?stream=1&stdout=1&stderr=1")] * 4
    with streams(engine, *wanted):
        logged = "/containers/chatty/logs?stdout=1&tail=1"
        eventually(lambda: engine.api.get(logged).body)
        for _ in range(10):
            assert prompt(engine)
        assert load(engine).memory < before.memory + (32 << 20)
    eventually(lambda: load(engine).files <= before.files + 2)


def test_who_sends_a_byte_at_a_time_holds_nobody_up(engine: Engine) -> None:
    before = load(engine)
    body = b'{"Image": "busybox", "Cmd": ["true"]}'
    head = _head("/containers/create?name=slow", "application/json", len(body))
    with ExitStack() as stack:
        idle = [stack.enter_context(RawConnection(engine.socket)) for _ in range(100)]
        for connection in idle:
            connection.send(b"POST /containers/create HTTP/1.1\r\nHost:")  # and no more
        slow = stack.enter_context(RawConnection(engine.socket))
        slow.send(head)
        for number, byte in enumerate(body):
            slow.send(bytes([byte]))
            if number % 10 == 0:
                assert prompt(engine)
        assert slow.head().split()[1] == b"201"
        assert load(engine).threads <= before.threads + 4
    eventually(lambda: load(engine).files <= before.files + 2)


def test_hundreds_of_followers_cost_no_threads_and_little_memory(engine: Engine) -> None:
    begin(engine, "quiet", ["sh", "-c", "echo begun; exec top -b -d 3600 >/dev/null"])
    before = load(engine)
    half = FOLLOWERS // 2
    wanted = [("GET", "/events")] * half + [("GET", "/containers/quiet/logs?follow=1&stdout=1")] * half
    with streams(engine, *wanted) as connections:
        during = load(engine)
        assert during.threads <= before.threads + 4, (before, during)
        assert during.memory <= before.memory + FOLLOWERS * (100 << 10), (before, during)
        assert prompt(engine)
        for connection in connections[:half:50]:
            assert b"container" in connection.socket.recv(65536)  # each of them hears of what happened
        for connection in connections[half::50]:
            assert b"begun" in connection.socket.recv(65536)
    eventually(lambda: load(engine).files <= before.files + 4)
    settled_memory = load(engine).memory
    with streams(engine, *wanted):
        assert load(engine).threads <= before.threads + 4
    eventually(lambda: load(engine).files <= before.files + 4)
    assert load(engine).memory <= settled_memory + (8 << 20)  # the second time costs nothing more


class FewFiles(WeftEngine):
    """Started with the soft limit of open files that shells have, only smaller."""

    def _command(self, config_file: Path) -> list[str | Path]:
        return ["prlimit", "--nofile=256:8192", *super()._command(config_file)]


def test_the_shells_limit_of_open_files_is_the_containers_and_not_the_daemons() -> None:
    with Host("narrow") as host:
        engine = FewFiles(host)
        engine.start()
        begin(engine, "box", ["sh", "-c", "ulimit -Sn; exec top -b -d 3600 >/dev/null"])
        with streams(engine, *[("GET", "/containers/box/logs?follow=1&stdout=1")] * 300) as connections:
            assert prompt(engine)
            assert b"256" in connections[-1].socket.recv(65536)
        made = engine.api.need(
            "POST", "/containers/box/exec", {"Cmd": ["sh", "-c", "ulimit -Sn"], "AttachStdout": True}
        )
        with RawConnection(engine.socket) as connection:
            connection.request("POST", f"/exec/{made['Id']}/start", {}, upgrade=True)
            connection.head()
            assert b"256" in connection.socket.recv(65536)


def _head(path: str, content_type: str, length: int) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: d", f"Content-Type: {content_type}", f"Content-Length: {length}", "", "")
    return "\r\n".join(lines).encode()


def _vanish_during(engine: Engine, chance: random.Random, method: str, path: str, body: object = None) -> None:
    with RawConnection(engine.socket) as connection:
        connection.request(method, path, body, upgrade=path.endswith("/start") and "/exec/" in path)
        time.sleep(chance.uniform(0, 0.03))
        connection.vanish()


def _consistent(engine: Engine) -> None:
    """Every container that is listed can be inspected, started, and removed."""
    for container in engine.api.need("GET", "/containers/json?all=1"):
        seen = engine.api.need("GET", f"/containers/{container['Id']}/json")
        assert seen["State"]["Status"] in ("created", "running", "exited"), seen["State"]
        answer = engine.api.post(f"/containers/{container['Id']}/start")
        assert answer.status in (204, 304), answer.body
        assert engine.api.delete(f"/containers/{container['Id']}?force=1").status == 204


def test_who_vanishes_leaves_nothing_half_made(engine: Engine) -> None:
    chance = random.Random(7)
    engine.api.need("POST", "/networks/create", {"Name": "net"})
    before = settled(engine)
    for number in range(40):
        name = f"gone{number}"
        body = {"Image": "busybox", "Cmd": ["top"], "StopTimeout": 0, "HostConfig": {"NetworkMode": "net"}}
        _vanish_during(engine, chance, "POST", f"/containers/create?name={name}", body)
        if engine.api.get(f"/containers/{name}/json").status == 404:
            continue
        _vanish_during(engine, chance, "POST", f"/containers/{name}/start")
        if number % 3 == 0:
            _vanish_during(engine, chance, "POST", f"/containers/{name}/stop?t=0")
        elif number % 3 == 1:
            _vanish_during(engine, chance, "DELETE", f"/containers/{name}?force=1")
    eventually(lambda: _no_change_is_under_way(engine))
    _consistent(engine)
    assert settled(engine) == before


def _no_change_is_under_way(engine: Engine) -> bool:
    states = [each["State"] for each in engine.api.need("GET", "/containers/json?all=1")]
    time.sleep(0.2)
    return states == [each["State"] for each in engine.api.need("GET", "/containers/json?all=1")]


def test_who_vanishes_from_an_exec_leaves_no_process_behind(engine: Engine) -> None:
    """The exec's process ends when its input does: nobody holds its streams any longer."""
    chance = random.Random(8)
    begin(engine, "box", ["top"])
    before = load(engine)
    for _ in range(20):
        command = {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True}
        made = engine.api.need("POST", "/containers/box/exec", command)["Id"]
        _vanish_during(engine, chance, "POST", f"/exec/{made}/start", {})

    def quiet() -> bool:
        rows = engine.api.need("GET", "/containers/box/top")["Processes"]
        assert [row[-1] for row in rows if row[-1] == "cat"] == []
        return load(engine).files <= before.files + 2

    eventually(quiet)


def test_who_vanishes_from_a_pull_or_a_load_leaves_no_files(engine: Engine, tmp_path: Path) -> None:
    chance = random.Random(9)
    archive = tmp_path / "image.tar"
    write_archive(archive, ["loaded:latest"], [busybox_layer()], BUSYBOX_CONFIG)
    engine.api.need("DELETE", "/images/nginx")
    before = _files(engine)
    data = archive.read_bytes()
    for _ in range(10):
        _vanish_during(engine, chance, "POST", "/images/create?fromImage=nginx&tag=latest")
        with RawConnection(engine.socket) as connection:
            head = _head("/images/load", "application/x-tar", len(data))
            connection.send(head + data[: chance.randrange(len(data))])
            connection.vanish()

    def nothing_more() -> bool:
        for name in ("nginx", "loaded"):
            engine.api.delete(f"/images/{name}")
        assert _files(engine) == before
        return True

    eventually(nothing_more, timeout=60)
    assert engine.api.post("/images/create?fromImage=nginx&tag=latest").status == 200
    assert engine.api.get("/images/nginx/json").status == 200


def _files(engine: Engine) -> list[str]:
    """What lies in the places of images and layers, and where they are unpacked."""
    kept = ("images", "layers", "tmp")
    return sorted(
        str(path.relative_to(engine.data_root))
        for name in kept
        for path in (engine.data_root / name).glob("*" if name == "layers" else "**/*")
    )
