"""`docker attach`, `docker wait`, `docker top`, `docker start -a`, `docker events`."""

from __future__ import annotations

import asyncio
import json
import signal
import time

import aiohttp

from rig.docker import Docker
from rig.eventually import eventually
from rig.terminal import CTRL_C

COUNT = "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done"


def test_attach_reads_what_comes_from_now_on(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", COUNT)
    with docker.popen("attach", "--no-stdin", "one") as attached:
        assert attached.stdout is not None
        first = int(attached.stdout.readline().split()[1])
        assert int(attached.stdout.readline().split()[1]) == first + 1
        docker.out("kill", "one")
        assert attached.wait(20) == 137


def attachments(docker: Docker, container: str) -> int:
    """How many clients attached to a container so far."""
    asked = ("--filter", "event=attach", "--filter", f"container={container}")
    return len(docker.lines("events", "--since", "1h", "--until", str(time.time()), *asked))


def test_two_attached_terminals_see_the_same(docker: Docker) -> None:
    container = docker.out("run", "-dit", "--name", "one", "busybox")
    with docker.terminal("attach", "one") as left, docker.terminal("attach", "one") as right:
        eventually(lambda: attachments(docker, container) == 2)
        left.line("echo from-$((40 + 2))")
        left.expect("from-42")
        right.expect("from-42")
        right.line("exit 3")
        assert left.wait() == 3
        assert right.wait() == 3


def test_attach_forwards_signals(docker: Docker) -> None:
    script = "trap 'echo caught; exit 6' INT; echo ready; while :; do sleep 0.05; done"
    container = docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", script)
    eventually(lambda: "ready" in docker.out("logs", "one"))
    with docker.popen("attach", "one") as attached:
        eventually(lambda: attachments(docker, container) == 1)
        attached.send_signal(signal.SIGINT)
        assert attached.wait(20) == 6
    assert "caught" in docker.out("logs", "one")


def test_attach_to_what_does_not_run(docker: Docker) -> None:
    docker.out("create", "--name", "one", "busybox")
    assert "cannot attach to a stopped container, start it first" in docker.fails("attach", "one").lower()
    assert "No such container: nobody" in docker.fails("attach", "nobody")


def test_start_attached(docker: Docker) -> None:
    docker.out("create", "--name", "one", "-i", "busybox", "sh", "-c", "read line; echo got $line; exit 8")
    done = docker("start", "-ai", "one", stdin="this\n")
    assert (done.returncode, done.stdout) == (8, "got this\n")


def test_wait_for_several(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "sleep 0.4; exit 11")
    docker.out("run", "-d", "--name", "two", "busybox", "sh", "-c", "sleep 0.2; exit 12")
    assert docker.lines("wait", "one", "two") == ["11", "12"]
    assert docker.out("wait", "one") == "11"
    assert "No such container: nobody" in docker.fails("wait", "nobody")


def test_top(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "sleep 1234 & sleep 4321")
    rows = eventually(lambda: len(found := docker.lines("top", "one")) >= 3 and found)
    assert rows[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert [row.split(maxsplit=7)[7] for row in rows[1:]].count("sleep 1234") == 1
    rows = docker.lines("top", "one", "-o", "pid,args")
    assert rows[0].split() == ["PID", "COMMAND"]
    docker.out("kill", "one")
    assert "is not running" in docker.fails("top", "one")


def test_events_of_a_life(docker: Docker) -> None:
    since = str(time.time() - 0.001)
    docker.out("network", "create", "net")
    docker("run", "--name", "one", "--network", "net", "busybox", "sh", "-c", "exit 2")
    docker.out("rm", "one")
    docker.out("network", "rm", "net")
    shown = docker.lines("events", "--since", since, "--until", str(time.time() + 0.01), "--format", "{{json .}}")
    events = [json.loads(line) for line in shown]
    told = [(event["Type"], event["Action"]) for event in events]
    assert told == [
        ("network", "create"),
        ("container", "create"),
        ("container", "attach"),
        ("network", "connect"),
        ("container", "start"),
        ("container", "die"),
        ("network", "disconnect"),
        ("container", "destroy"),
        ("network", "destroy"),
    ] or _without_order(told)
    died = next(event for event in events if event["Action"] == "die")
    assert died["Actor"]["Attributes"]["exitCode"] == "2"
    assert died["Actor"]["Attributes"]["image"] == "busybox"
    assert died["Actor"]["Attributes"]["name"] == "one"
    connected = next(event for event in events if event["Action"] == "connect")
    assert connected["Actor"]["Attributes"]["name"] == "net"
    assert connected["Actor"]["Attributes"]["type"] == "bridge"
    assert connected["Actor"]["Attributes"]["container"] == died["Actor"]["ID"]


def _without_order(told: list[tuple[str, str]]) -> bool:
    """`die` and `disconnect` are told by different hands and may change places."""
    return sorted(told) == sorted(set(told)) and told[0] == ("network", "create") and len(told) == 9


def test_events_follow_and_filter(docker: Docker) -> None:
    since = str(time.time() - 0.001)
    asked = ("--since", since, "--filter", "type=container", "--filter", "event=start")
    with docker.popen("events", *asked, "--format", "{{.Actor.ID}}") as told:
        assert told.stdout is not None
        docker.out("run", "-d", "--name", "one", "busybox", "top")
        assert told.stdout.readline().decode().strip() == docker.inspect("one")["Id"]
        docker.out("run", "-d", "--name", "two", "busybox", "top")
        assert told.stdout.readline().decode().strip() == docker.inspect("two")["Id"]
        told.terminate()
    shown = docker.lines(
        "events",
        "--since",
        since,
        "--until",
        str(time.time()),
        "--filter",
        "container=two",
        "--filter",
        "event=create",
        "--format",
        "{{.Action}} {{.Actor.Attributes.name}}",
    )
    assert shown == ["create two"]


def test_ctrl_c_ends_the_foreground_container(docker: Docker) -> None:
    with docker.terminal(
        "run", "--name", "one", "busybox", "sh", "-c", "trap 'exit 5' INT; echo up; while :; do sleep 0.05; done"
    ) as screen:
        screen.expect("up")
        screen.type(CTRL_C)
        assert screen.wait() == 5


def test_attach_over_a_websocket(docker_newest: Docker) -> None:
    docker_newest.out("run", "-d", "-i", "--name", "one", "busybox", "sh", "-c", "cat; echo the end >&2")

    async def talk() -> list[bytes]:
        connector = aiohttp.UnixConnector(str(docker_newest.engine.socket))
        async with (
            asyncio.timeout(30),
            aiohttp.ClientSession("http://docker/", connector=connector) as session,
            session.ws_connect("/v1.41/containers/one/attach/ws?stream=1&stdin=1&stdout=1&stderr=1") as websocket,
        ):
            await websocket.send_bytes(b"x" * 200_000)
            received = 0
            while received < 200_000:
                received += len(await websocket.receive_bytes())
            await websocket.send_str("and text\n")
            said = [await websocket.receive_bytes()]
            docker_newest.out("kill", "one")
            return said + [message.data async for message in websocket]

    assert asyncio.run(talk()) == [b"and text\n"]
