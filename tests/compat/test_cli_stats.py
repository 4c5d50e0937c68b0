"""Statistics as their users see them: docker stats and the API, the same on the reference engine."""

from __future__ import annotations

import http.client
import json
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually

SPIN = "while :; do :; done"


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


def stats(engine: Engine, name: str, query: str = "stream=0") -> Any:
    """One answer."""
    return engine.api.need("GET", f"/containers/{name}/stats?{query}")


def stream(engine: Engine, name: str) -> Iterator[Any]:
    """Answers as they come, until the stream ends."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(60)
        link.connect(str(engine.socket))
        connection = http.client.HTTPConnection("localhost")
        connection.sock = link
        connection.request("GET", f"/v1.41/containers/{name}/stats")
        response = connection.getresponse()
        assert response.status == 200
        while line := response.readline():
            yield json.loads(line)


def shape(value: Any) -> Any:
    """The keys of an answer; what memory.stat has is the kernel's."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items() if key != "stats"}
    return "..."


NO_CPU = {
    "cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
    "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
}
NOTHING = dict.fromkeys(
    (
        *("io_service_bytes_recursive", "io_serviced_recursive", "io_queue_recursive", "io_service_time_recursive"),
        *("io_wait_time_recursive", "io_merged_recursive", "io_time_recursive", "sectors_recursive"),
    )
)
NEVER = "0001-01-01T00:00:00Z"


def test_a_running_container(docker: Docker, engine: Engine) -> None:
    container = docker.out("run", "-d", "--name", "one", "-m", "64m", "--pids-limit", "50", "busybox", "sh", "-c", SPIN)
    found = stats(engine, "one")
    assert (found["name"], found["id"], found["num_procs"]) == ("/one", container, 0)
    assert found["preread"] < found["read"]
    cpu, before = found["cpu_stats"], found["precpu_stats"]
    spent = cpu["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    machine = cpu["system_cpu_usage"] - before["system_cpu_usage"]
    assert 0 < spent <= machine * 1.1
    assert cpu["online_cpus"] >= 1
    assert cpu["cpu_usage"]["usage_in_usermode"] + cpu["cpu_usage"]["usage_in_kernelmode"] > 0
    assert sum(cpu["cpu_usage"].get("percpu_usage", [spent])) > 0
    memory = found["memory_stats"]
    assert 0 < memory["usage"] < memory["limit"] == 64 << 20
    assert memory["stats"]["pgfault"] > 0
    assert found["pids_stats"] == {"current": 1, "limit": 50}
    assert found["blkio_stats"].keys() == NOTHING.keys()


def test_what_goes_over_the_network(docker: Docker, engine: Engine) -> None:
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    docker.out("network", "connect", "net", "one")
    docker.out("run", "-d", "--name", "joined", "--network", "container:one", "busybox", "top")
    docker.out("run", "-d", "--name", "host", "--network", "host", "busybox", "top")
    before = stats(engine, "one", "stream=0&one-shot=1")["networks"]
    assert sorted(before) == ["eth0", "eth1"]
    gateway = docker.inspect("one")["NetworkSettings"]["Gateway"]
    docker.out("exec", "one", "ping", "-c", "3", "-s", "1000", gateway)
    after = stats(engine, "one", "stream=0&one-shot=1")["networks"]
    assert after["eth0"]["tx_packets"] - before["eth0"]["tx_packets"] >= 3
    assert after["eth0"]["rx_bytes"] - before["eth0"]["rx_bytes"] >= 3000
    assert after["eth0"].keys() == {
        *("rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "tx_bytes", "tx_packets", "tx_errors", "tx_dropped")
    }
    assert sorted(stats(engine, "joined", "stream=0&one-shot=1")["networks"]) == ["eth0", "eth1"]
    assert "networks" not in stats(engine, "host", "stream=0&one-shot=1")


def test_one_shot(docker: Docker, engine: Engine) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    found = stats(engine, "one", "stream=0&one-shot=1")
    assert found["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    assert found["precpu_stats"] == NO_CPU
    assert found["preread"] == NEVER < found["read"]


def test_a_container_that_does_not_run(docker: Docker, engine: Engine) -> None:
    container = docker.out("create", "--name", "one", "busybox", "top")
    empty = {
        "name": "/one",
        "id": container,
        "read": NEVER,
        "preread": NEVER,
        "pids_stats": {},
        "blkio_stats": NOTHING,
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": NO_CPU,
        "precpu_stats": NO_CPU,
        "memory_stats": {},
    }
    assert stats(engine, "one") == empty
    answers = stream(engine, "one")
    assert next(answers) == empty
    docker.out("start", "one")
    running = eventually(lambda: (answer := next(answers))["memory_stats"] and answer, timeout=30)
    assert running["pids_stats"]["current"] == 1
    docker.out("pause", "one")
    assert next(answers)["memory_stats"]
    docker.out("kill", "one")
    stopped = eventually(lambda: not (answer := next(answers))["memory_stats"] and answer, timeout=30)
    assert stopped["read"] == NEVER
    docker.out("rm", "one")
    assert list(answers) is not None  # the stream ends
    missing = engine.api.get("/containers/nobody/stats?stream=0")
    assert (missing.status, missing.message) == (404, "No such container: nobody")


def test_a_stream(docker: Docker, engine: Engine) -> None:
    docker.out("run", "-d", "--name", "one", "busybox", "sh", "-c", SPIN)
    answers = stream(engine, "one")
    first, second, third = next(answers), next(answers), next(answers)
    assert (first["preread"], first["precpu_stats"]) == (NEVER, NO_CPU)
    assert second["preread"] == first["read"]
    assert second["precpu_stats"] == first["cpu_stats"]
    assert third["precpu_stats"] == second["cpu_stats"]
    assert third["cpu_stats"]["cpu_usage"]["total_usage"] > first["cpu_stats"]["cpu_usage"]["total_usage"]
    answers.close()


def test_the_command(docker: Docker) -> None:
    docker.out("run", "-d", "--name", "one", "-m", "64m", "busybox", "sh", "-c", SPIN)
    docker.out("run", "-d", "--name", "two", "busybox", "top")
    docker.out("create", "--name", "made", "busybox", "top")
    assert re.split(r"\s{2,}", docker.lines("stats", "--no-stream")[0].strip()) == [
        *("CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS")
    ]
    rows = [json.loads(line) for line in docker.lines("stats", "--no-stream", "--format", "{{json .}}")]
    found = {row["Name"]: row for row in rows}
    assert found.keys() == {"one", "two"}
    assert float(found["one"]["CPUPerc"].rstrip("%")) > 1
    assert re.fullmatch(r"[0-9.]+[KM]iB / 64MiB", found["one"]["MemUsage"])
    assert (found["one"]["PIDs"], found["two"]["PIDs"]) == ("1", "1")
    every = docker.lines("stats", "-a", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}")
    assert {line.split(" ", 1)[0] for line in every} == {"one", "two", "made"}
    named = docker.lines("stats", "--no-stream", "--format", "{{.Name}}", "two")
    assert named == ["two"]
    assert "No such container: nobody" in docker.fails("stats", "--no-stream", "nobody")


@pytest.mark.weft_only("of weft's own command")
def test_weft_says_the_same(docker: Docker, engine: Engine) -> None:
    weft = Docker(engine, str(Path(sys.executable).with_name("weft")))
    docker.out("run", "-d", "--name", "one", "-m", "64m", "busybox", "sh", "-c", SPIN)
    docker.out("create", "--name", "made", "busybox", "top")
    assert weft.lines("stats", "--no-stream")[0].split() == docker.lines("stats", "--no-stream")[0].split()
    form = ("--format", "{{.ID}} {{.Name}} {{.MemUsage}} {{.PIDs}}")
    theirs, ours = (cli.lines("stats", "-a", "--no-stream", *form, "one", "made") for cli in (docker, weft))
    assert [re.sub("[0-9.]+[KM]iB /", "… /", line) for line in ours] == [
        re.sub("[0-9.]+[KM]iB /", "… /", line) for line in theirs
    ]
    assert float(weft.out("stats", "--no-stream", "--format", "{{.CPUPerc}}", "one").rstrip("%")) > 1
    with weft.popen("stats", "one") as watching:
        assert watching.stdout is not None
        shown = watching.stdout.readline() + watching.stdout.readline()
        docker.out("rm", "-f", "one")
        assert watching.wait(30) == 0
    assert b"64MiB" in shown


@pytest.mark.weft_only("it accepts both")
def test_refusals(docker: Docker, engine: Engine) -> None:
    docker.out("create", "--name", "one", "busybox", "top")
    answer = engine.api.get("/containers/one/stats?stream=1&one-shot=1")
    assert (answer.status, answer.message) == (400, "cannot have stream=true and one-shot=true")
