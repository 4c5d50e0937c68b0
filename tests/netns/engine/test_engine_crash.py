"""The daemon dies with containers running: what they offer goes on, and the next daemon knows everything."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from conftest import MakeEngine
from rig.api import RawApi
from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.inside import Inside
from rig.leftovers import settled, traces

pytestmark = pytest.mark.weft_only("its containers end with the daemon")

WEB = ("busybox", "sh", "-c", "mkdir /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www")


@pytest.fixture(scope="module")
def crash_engine(lab, kind) -> Iterator[Engine]:  # type: ignore[no-untyped-def]
    """One engine for the module; each test leaves it running and empty."""
    engine = lab.engine(kind)
    yield engine
    engine.host.close()


@pytest.fixture
def engine(crash_engine: Engine) -> Iterator[Engine]:
    """It, emptied afterwards."""
    yield crash_engine
    if crash_engine.daemon is not None and not crash_engine.daemon.running:
        crash_engine.start()
    crash_engine.sweep()


@pytest.fixture
def docker(engine: Engine) -> Docker:
    """The CLI that is first on PATH."""
    return Docker(engine)


def furnish(docker: Docker) -> None:
    """A network with a published web server and a container that asks for it by name."""
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--name", "web", "--hostname", "web", "--network", "net", "-p", "8080:80", *WEB)
    docker.out("run", "-d", "--name", "client", "--network", "net", "busybox", "top")
    eventually(lambda: docker.engine.host.reaches("127.0.0.1", 8080))


class Prober:
    """Asks for the port, the name and the neighbour over and over, and keeps what failed."""

    def __init__(self, engine: Engine) -> None:
        self.failures: list[str] = []
        self.rounds = 0
        self._host = engine.host
        self._inside = Inside(engine, "client")
        self._address = self._inside.addresses("web")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._over.is_set():
            for what, look in (
                ("port", lambda: self._host.fetch("127.0.0.1", 8080) == b"web\n"),
                ("name", lambda: self._inside.addresses("web") == self._address),
                ("neighbour", lambda: self._inside.fetch(self._address[0]) == b"web\n"),
            ):
                try:
                    fine = look()
                except OSError as error:
                    fine, what = False, f"{what}: {error}"
                if not fine:
                    self.failures.append(what)
            self.rounds += 1

    def __enter__(self) -> Prober:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def name_server(engine: Engine) -> list[int]:
    """The process ids of the name server."""
    return [
        pid
        for pid, line in engine.host.processes().items()
        if "dns_process" in " ".join(line) or "weft-dns" in " ".join(line)
    ]


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_everything_answers_throughout(docker: Docker, how: str) -> None:
    engine = docker.engine
    furnish(docker)
    before = docker.inspect("web")
    with Prober(engine) as prober:
        rounds = prober.rounds
        getattr(engine, how)()
        eventually(lambda: prober.rounds > rounds + 20)
        engine.start()
        rounds = prober.rounds
        eventually(lambda: prober.rounds > rounds + 20)
    assert prober.failures == []
    after = docker.inspect("web")
    assert (after["Id"], after["State"]["Pid"], after["State"]["StartedAt"], after["NetworkSettings"]) == (
        before["Id"], before["State"]["Pid"], before["State"]["StartedAt"], before["NetworkSettings"],
    )  # fmt: skip


def test_everything_is_manageable_afterwards(docker: Docker) -> None:
    furnish(docker)
    docker.out("run", "-dit", "--name", "shell", "busybox")
    docker.out("run", "-d", "--name", "talker", "busybox", "sh", "-c", "while :; do echo tick; sleep 0.05; done")
    docker.engine.kill()
    time.sleep(0.3)
    docker.engine.start()
    assert set(docker.lines("ps", "--format", "{{.Names}}")) == {"web", "client", "shell", "talker"}
    assert docker.out("exec", "client", "wget", "-qO-", "http://web/") == "web"
    with docker.terminal("attach", "shell") as screen:
        screen.line("echo $((40 + 2))")
        screen.expect("42")
        screen.line("exit 3")
        assert screen.wait() == 3
    assert docker.out("logs", "--tail", "2", "talker") == "tick\ntick"
    with docker.popen("logs", "-f", "--tail", "0", "talker") as following:
        assert following.stdout is not None
        assert following.stdout.readline() == b"tick\n"
    docker.out("pause", "client")
    docker.out("unpause", "client")
    docker.out("network", "create", "later")
    docker.out("network", "connect", "later", "client")
    docker.out("network", "disconnect", "net", "client")
    docker.out("restart", "-t", "0", "web")
    assert eventually(lambda: docker.engine.host.reaches("127.0.0.1", 8080))
    docker.out("kill", "talker")
    assert docker.out("wait", "talker") == "137"
    docker.out("rm", "-f", "web", "client", "shell", "talker")
    docker.out("network", "rm", "net", "later")


def test_what_ended_meanwhile(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "seven", "busybox", "sh", "-c", "sleep 0.5; exit 7")
    docker.out("run", "-d", "--name", "killed", "busybox", "sleep", "4321")
    docker.out("run", "-d", "--name", "always", "--restart", "always", "busybox", "sh", "-c", "sleep 0.6; exit 1")
    docker.out("run", "-d", "--name", "removed", "--rm", "busybox", "sleep", "0.4")
    pid = docker.inspect("killed")["State"]["Pid"]
    docker.engine.kill()
    docker.engine.host.run(["kill", "-9", str(pid)])
    eventually(lambda: not any("sleep" in line for line in docker.engine.host.processes().values()))
    docker.engine.start()
    states = {name: docker.inspect(name)["State"] for name in ("seven", "killed")}
    assert {name: (state["Status"], state["ExitCode"]) for name, state in states.items()} == {
        "seven": ("exited", 7),
        "killed": ("exited", 137),
    }
    assert all(state["FinishedAt"] > state["StartedAt"] for state in states.values())
    eventually(
        lambda: docker.inspect("always")["State"]["Running"] or int(docker.inspect("always")["RestartCount"]) > 0
    )
    eventually(lambda: "removed" not in docker.lines("ps", "-a", "--format", "{{.Names}}"))


def test_the_name_server_survives(docker: Docker) -> None:
    furnish(docker)
    engine = docker.engine
    first = name_server(engine)
    assert len(first) == 1
    engine.kill()
    assert name_server(engine) == first
    engine.start()
    assert name_server(engine) == first
    docker.out("run", "-d", "--name", "third", "--network", "net", "busybox", "top")
    inside = Inside(engine, "client")
    assert eventually(lambda: inside.addresses("third"))


def test_the_name_server_is_brought_back(docker: Docker) -> None:
    furnish(docker)
    engine = docker.engine
    inside = Inside(engine, "client")
    (first,) = name_server(engine)
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: _answers(inside, "web"))
    assert first not in name_server(engine)


def _answers(inside: Inside, name: str) -> bool:
    try:
        return bool(inside.addresses(name))
    except OSError:
        return False


def test_killed_in_the_middle_of_work(docker: Docker) -> None:
    """Wherever the daemon is killed, its successor repairs or removes what was half done."""
    engine = docker.engine
    clean = settled(engine)
    chance = random.Random(20)
    for _ in range(6):
        over = threading.Event()

        def work(over: threading.Event = over) -> None:
            with contextlib.suppress(Exception), RawApi(engine.socket, timeout=20) as api:
                for number in range(1000):
                    if over.is_set():
                        return
                    api.post("/networks/create", {"Name": f"net{number}"})
                    body = {
                        "Image": "busybox",
                        "Cmd": ["top"],
                        "HostConfig": {
                            "NetworkMode": f"net{number}",
                            "PortBindings": {"80/tcp": [{"HostPort": str(9000 + number)}]},
                        },
                    }
                    api.post(f"/containers/create?name=box{number}", body)
                    api.post(f"/containers/box{number}/start")
                    if number % 3 == 2:
                        api.delete(f"/containers/box{number}?force=1")
                        api.delete(f"/networks/net{number}")

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(chance.uniform(0.05, 0.6))
        engine.kill()
        over.set()
        worker.join()
        engine.start()
        for container in engine.api.need("GET", "/containers/json"):
            assert engine.api.need("GET", f"/containers/{container['Id']}/top")["Processes"]
        engine.sweep()
        eventually(lambda: _same(traces(engine), clean))


def _same(now: object, before: object) -> bool:
    assert now == before
    return True


def test_a_reboot(make_engine: MakeEngine, lab) -> None:  # type: ignore[no-untyped-def]
    engine = make_engine()
    docker = Docker(engine)
    docker.out("network", "create", "--subnet", "10.91.0.0/16", "net")
    for name, *flags in (
        ("web", "--restart", "always", "-p", "8080:80"),
        ("stopped", "--restart", "unless-stopped"),
        ("plain",),
        ("failing", "--restart", "on-failure"),
    ):
        docker.out("run", "-d", "--name", name, "--hostname", name, "--network", "net", *flags, *WEB)
    docker.out("stop", "-t", "0", "stopped")
    engine.host.reboot()
    lab.wire(engine.host)
    engine.start()
    assert eventually(lambda: docker.inspect("web")["State"]["Running"])
    assert eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
    assert engine.host.fetch("127.0.0.1", 8080) == b"web\n"
    states = {name: docker.inspect(name)["State"] for name in ("stopped", "plain", "failing")}
    assert not states["stopped"]["Running"]
    assert not states["plain"]["Running"]
    assert states["plain"]["ExitCode"] != 0
    assert docker.inspect("web")["NetworkSettings"]["Networks"]["net"]["IPAddress"].startswith("10.91.0.")
    docker.out("start", "plain")
    assert docker.out("exec", "plain", "wget", "-qO-", "http://web/") == "web"
    assert "10.91.0.1/16" in engine.host.output("ip", "-o", "addr")
    engine.sweep()
