"""The daemon dies with containers running: what they offer goes on, and the next daemon knows everything."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from agreement import addresses_are_unique, agree

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
    engine = docker.engine
    furnish(docker)
    docker.out("run", "-dit", "--name", "shell", "busybox")
    docker.out("run", "-d", "--name", "talker", "busybox", "sh", "-c", "while :; do echo tick; sleep 0.05; done")
    engine.kill()
    time.sleep(0.3)
    engine.start()
    agree(engine)
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
    assert eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
    docker.out("rename", "web", "www")
    agree(engine)
    docker.out("kill", "talker")
    assert docker.out("wait", "talker") == "137"
    docker.out("stop", "-t", "0", "client")
    assert docker.inspect("client")["State"]["Status"] == "exited"
    docker.out("rm", "-f", "www", "client", "shell", "talker")
    docker.out("network", "rm", "net", "later")
    agree(engine)


def dns_sockets(docker: Docker, container: str) -> set[str]:
    """The inodes of the sockets that answer for names in a container."""
    listed = docker.out("exec", container, "cat", "/proc/net/udp", "/proc/net/tcp").splitlines()
    return {line.split()[9] for line in listed if " 0B00007F:" in line}


@pytest.mark.parametrize("meanwhile", ["nothing", "name server killed"])
def test_names_answer_again_after_a_reconnect(docker: Docker, meanwhile: str) -> None:
    """The sockets in the container are kept while it is on no network with names, and made anew only if they died."""
    engine = docker.engine
    furnish(docker)
    before = dns_sockets(docker, "client")
    assert len(before) == 2
    docker.out("network", "disconnect", "net", "client")
    if meanwhile != "nothing":
        (former,) = name_server(engine)
        os.kill(former, signal.SIGKILL)
        eventually(lambda: name_server(engine) not in ([], [former]))
    docker.out("network", "connect", "net", "client")
    assert eventually(lambda: docker.out("exec", "client", "wget", "-qO-", "http://web/")) == "web"
    assert (dns_sockets(docker, "client") == before) is (meanwhile == "nothing")


def test_what_is_taken_stays_taken(docker: Docker) -> None:
    """Ports, addresses, names and subnets that were given out before are not given out again."""
    engine = docker.engine
    docker.out("network", "create", "--subnet", "10.77.0.0/29", "net")
    docker.out("run", "-d", "--name", "fixed", "--network", "net", "--ip", "10.77.0.3", "-p", "8080:80", *WEB)
    docker.out("run", "-d", "--name", "lowest", "--network", "net", "-p", "80", "busybox", "top")
    random_port = docker.out("port", "lowest", "80/tcp")
    engine.kill()
    engine.start()
    assert docker.out("port", "lowest", "80/tcp") == random_port
    docker.out("create", "--name", "second", "-p", "8080:80", "busybox", "top")
    assert "Bind for 0.0.0.0:8080 failed: port is already allocated" in docker.fails("start", "second")
    assert docker.inspect("second")["State"]["Status"] == "created"
    refused = docker.fails("run", "--network", "net", "--ip", "10.77.0.3", "busybox", "true")
    assert "Address already in use" in refused
    assert "already in use by container" in docker.fails("create", "--name", "fixed", "busybox")
    assert "Pool overlaps" in docker.fails("network", "create", "--subnet", "10.77.0.0/24", "other")
    for number in range(3):
        docker.out("run", "-d", "--name", f"more{number}", "--network", "net", "busybox", "top")
    addresses_are_unique(engine)
    full = docker.fails("run", "--network", "net", "busybox", "true")
    assert "no available" in full
    docker.out("rm", "-f", "fixed")
    docker.out("start", "second")


def test_what_ended_meanwhile(docker: Docker) -> None:
    engine = docker.engine
    scripts = {
        "answer": ("no", "sleep 0.5; exit 42"),
        "signalled": ("no", "sleep 0.5; sh -c 'kill -TERM $$'; exit $?"),
        "killed": ("no", "exec sleep 4321"),
        "always": ("always", "sleep 0.6; exit 0"),
        "unless": ("unless-stopped", "sleep 0.6; exit 0"),
        "failing": ("on-failure", "sleep 0.6; exit 1"),
        "fine": ("on-failure", "sleep 0.5; exit 0"),
    }
    for name, (policy, script) in scripts.items():
        docker.out("run", "-d", "--name", name, "--restart", policy, "busybox", "sh", "-c", script)
    docker.out("run", "-d", "--name", "removed", "--rm", "-v", "/data", "busybox", "sleep", "0.4")
    pids = {name: docker.inspect(name)["State"]["Pid"] for name in scripts}
    engine.kill()
    engine.host.run(["kill", "-9", str(pids["killed"])])
    for pid in pids.values():
        eventually(lambda pid=pid: not engine.host.path(f"/proc/{pid}").exists())  # type: ignore[misc]
    eventually(lambda: not supervisors(engine))
    over = time.time()
    engine.start()
    states = {name: docker.inspect(name)["State"] for name in ("answer", "signalled", "killed", "fine")}
    assert {name: (state["Status"], state["ExitCode"], state["Pid"]) for name, state in states.items()} == {
        "answer": ("exited", 42, 0),
        "signalled": ("exited", 143, 0),
        "killed": ("exited", 137, 0),
        "fine": ("exited", 0, 0),
    }
    for state in states.values():
        assert state["StartedAt"] < state["FinishedAt"] <= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(over + 1))
    for name in ("always", "unless", "failing"):
        assert eventually(lambda name=name: docker.inspect(name)["State"]["StartedAt"] > state["FinishedAt"]), name  # type: ignore[misc]
    eventually(lambda: "removed" not in docker.lines("ps", "-a", "--format", "{{.Names}}"))
    assert docker.lines("volume", "ls", "-q") == []
    docker.out("rm", "-f", "always", "unless", "failing")
    agree(engine)


def supervisors(engine: Engine) -> list[int]:
    """The process ids of all conmons."""
    return [pid for pid, line in engine.host.processes().items() if line and line[0].endswith("conmon")]


def test_a_supervisor_is_killed(docker: Docker) -> None:
    """Its container counts as ended, whether the daemon saw it or not, and nothing of it stays."""
    engine = docker.engine
    clean = settled(engine)
    for daemon_is_there in (True, False):
        docker.out("network", "create", "net")
        docker.out("run", "-d", "--name", "web", "--network", "net", "-p", "8080:80", *WEB)
        (supervisor,) = supervisors(engine)
        if not daemon_is_there:
            engine.kill()
        os.kill(supervisor, signal.SIGKILL)
        if not daemon_is_there:
            engine.start()
        state = eventually(lambda: _ended(docker, "web"))
        assert state["ExitCode"] != 0
        docker.out("start", "web")
        assert eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
        agree(engine)
        docker.out("rm", "-f", "web")
        docker.out("network", "rm", "net")
        eventually(lambda: _same(traces(engine), clean))


def _ended(docker: Docker, name: str) -> Any:
    state = docker.inspect(name)["State"]
    return state if state["Status"] == "exited" else None


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


class Worker:
    """Makes and removes things as fast as it can until the daemon is gone."""

    def __init__(self, engine: Engine, number: int, cgroup: str) -> None:
        self._engine = engine
        self._number = number
        self._cgroup = cgroup
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def join(self) -> None:
        """Wait until its requests fail."""
        self._thread.join()

    def _work(self) -> None:
        with contextlib.suppress(OSError, HTTPException), RawApi(self._engine.socket, timeout=20) as api:
            for number in range(1000):
                self._round(api, f"{self._number}x{number}", 9000 + 100 * self._number + number % 100)

    def _round(self, api: RawApi, suffix: str, port: int) -> None:
        net, box = f"net{suffix}", f"box{suffix}"
        api.post("/networks/create", {"Name": net})
        settings = {
            "NetworkMode": net,
            "PortBindings": {"80/tcp": [{"HostPort": str(port)}]},
            "CgroupParent": self._cgroup,
            "Binds": [f"volume{suffix}:/data"],
        }
        body = {"Image": "busybox", "Cmd": ["sh", "-c", "exec sleep 4321"], "HostConfig": settings}
        api.post(f"/containers/create?name={box}", body)
        api.post(f"/containers/{box}/start")
        api.post("/networks/bridge/connect", {"Container": box})
        api.post(f"/networks/{net}/disconnect", {"Container": box})
        if port % 3 == 1:
            api.post(f"/containers/{box}/stop?t=0")
            api.delete(f"/containers/{box}")
        elif port % 3 == 2:
            api.delete(f"/containers/{box}?force=1")
        api.delete(f"/networks/{net}")


@pytest.fixture
def cgroup() -> Iterator[str]:
    """The name of a cgroup for this test's containers alone; its directories go afterwards."""
    name = f"weft-crash-{os.getpid()}"
    yield name
    for directory in Path("/sys/fs/cgroup").glob(f"*/{name}"):
        directory.rmdir()


def test_killed_in_the_middle_of_work(docker: Docker, cgroup: str) -> None:
    """Wherever the daemon is killed, its successor repairs or removes what was half done."""
    engine = docker.engine
    docker.out("create", "--name", "first", "busybox")  # the built-in image is made at its first use, and stays
    engine.sweep()
    clean = settled(engine)
    chance = random.Random(20)
    for _ in range(15):
        workers = [Worker(engine, number, cgroup) for number in range(2)]
        time.sleep(chance.uniform(0.02, 0.5))
        engine.kill()
        for worker in workers:
            worker.join()
        engine.start()
        agree(engine)
        running = {one["Id"] for one in engine.api.need("GET", "/containers/json")}
        assert {path.name for path in _cgroups(cgroup)} == running
        for container in running:
            assert engine.api.need("GET", f"/containers/{container}/top")["Processes"]
        engine.sweep()
        eventually(lambda: _same(traces(engine), clean))
        assert not list(_cgroups(cgroup))


def _cgroups(parent: str) -> Iterator[Path]:
    return (path for found in Path("/sys/fs/cgroup").glob(f"*/{parent}") for path in found.iterdir() if path.is_dir())


def _same(now: object, before: object) -> bool:
    assert now == before
    return True
