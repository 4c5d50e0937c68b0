"""Two tiers and a gateway between them: who reaches whom, and what becomes of it when things stop and start."""

from __future__ import annotations

from rig.compose import Compose
from rig.eventually import eventually


def test_tiers(compose: Compose) -> None:
    compose.run("up", "--detach")
    host = compose.engine.host
    eventually(lambda: host.reaches("127.0.0.1", 8080))
    assert host.fetch("127.0.0.1", 8080) == b"the app\n"
    assert compose.exec("client", "wget", "-q", "-O", "-", "http://www/") == "the app"
    assert compose("exec", "-T", "client", "nslookup", "app").returncode != 0
    address = compose.inspect("app")["NetworkSettings"]["Networks"]["tiers_back"]["IPAddress"]
    assert (
        compose("exec", "-T", "client", "wget", "-q", "-T", "1", "-O", "-", f"http://{address}:8000/").returncode != 0
    )
    assert compose("exec", "-T", "app", "ping", "-c", "1", "-W", "1", "8.8.8.8").returncode != 0
    assert "1 packets received" in compose.exec("client", "ping", "-c", "1", "-W", "5", "8.8.8.8")

    compose.run("stop", "app")
    assert compose.state("app") == "exited"
    compose.run("start", "app")
    compose.run("restart", "--timeout", "0", "gateway")
    eventually(lambda: host.reaches("127.0.0.1", 8080))
    assert host.fetch("127.0.0.1", 8080) == b"the app\n"
