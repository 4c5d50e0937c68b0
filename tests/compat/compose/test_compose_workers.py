"""Scaled workers: jobs are done, one name leads to all of them, and every word of Compose's for what runs."""

from __future__ import annotations

import subprocess
import threading

from rig.compose import Compose
from rig.eventually import eventually


def answers(compose: Compose) -> set[str]:
    """Which workers answer under their common name."""
    script = "for i in $(seq 24); do wget -q -O - http://worker/; done"
    return set(compose.exec("client", "sh", "-c", script).split())


def hostnames(compose: Compose) -> set[str]:
    """Host names of the workers there are."""
    return {compose.docker.out("exec", name, "hostname") for name in compose.containers("worker")}


def done(compose: Compose) -> int:
    """How many jobs were done."""
    return int(compose.exec("queue", "redis-cli", "get", "done") or 0)


def test_scaling(compose: Compose) -> None:
    compose.run("up", "--detach", "--scale", "worker=3")
    assert len(compose.containers("worker")) == 3
    eventually(lambda: answers(compose) == hostnames(compose))
    resolved = compose.exec("client", "nslookup", "worker")
    assert sum(line.startswith("Address:") for line in resolved.splitlines()) >= 3
    compose.exec("queue", "redis-cli", "rpush", "jobs", *map(str, range(30)))
    eventually(lambda: done(compose) == 30)

    compose.run("up", "--detach", "--scale", "worker=5")
    assert len(compose.containers("worker")) == 5
    eventually(lambda: answers(compose) == hostnames(compose))
    compose.run("up", "--detach", "--scale", "worker=1", "--timeout", "0")
    assert len(compose.containers("worker")) == 1
    eventually(lambda: answers(compose) == hostnames(compose))
    compose.exec("queue", "redis-cli", "rpush", "jobs", "one", "two")
    eventually(lambda: done(compose) == 32)


def test_words_for_what_runs(compose: Compose) -> None:
    events: list[str] = []
    listener = subprocess.Popen(
        [compose.program, "events", "--json"],
        cwd=compose.directory,
        env=compose.docker.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    stream = listener.stdout
    assert stream is not None
    reader = threading.Thread(target=lambda: events.extend(stream))
    reader.start()
    try:
        compose.run("up", "--detach")
        eventually(lambda: any('"start"' in line and '"worker"' in line for line in events))
        assert {"client", "queue", "worker"} == set(compose.out("ps", "--services").split())
        assert len(compose.out("ps", "-q").split()) == 3
        assert "redis" in compose.out("images")
        shown = compose.out("top")
        assert "redis-server" in shown
        assert "Ready to accept connections" in eventually(lambda: compose.run("logs", "--no-color", "queue"))

        compose.run("pause", "worker")
        assert compose.state("worker") == "paused"
        compose.run("unpause", "worker")
        assert compose.state("worker") == "running"
        ping = compose.out("run", "--rm", "-T", "client", "redis-cli", "-h", "queue", "ping")
        assert ping.splitlines()[-1] == "PONG"
        compose.run("kill", "-s", "KILL", "client")
        assert compose.state("client") == "exited"
        compose.run("start", "client")
        compose.run("restart", "--timeout", "0")
        eventually(lambda: answers(compose) == hostnames(compose))
        compose.run("stop", "--timeout", "0")
        assert {compose.state(service) for service in ("queue", "worker", "client")} == {"exited"}
        compose.run("rm", "--force")
        assert compose.out("ps", "-q") == ""
        eventually(lambda: any('"destroy"' in line for line in events))
    finally:
        listener.terminate()
        listener.wait(20)
        reader.join(20)
        stream.close()
