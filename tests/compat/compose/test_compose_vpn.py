"""An app in another container's network: its way in and out, and restarts of either."""

from __future__ import annotations

from rig.compose import Compose
from rig.eventually import eventually


def test_vpn(compose: Compose) -> None:
    compose.run("up", "--detach")
    assert compose.containers("watcher") == []
    host = compose.engine.host
    eventually(lambda: host.reaches("127.0.0.1", 8000))
    assert host.fetch("127.0.0.1", 8000) == b"through the tunnel\n"
    assert compose.exec("client", "wget", "-qO-", "http://tunnel:8000/") == "through the tunnel"
    eventually(lambda: "10.8.0.2" in compose.exec("app", "ip", "addr", "show", "tun0"))
    assert compose.exec("app", "ip", "-o", "link") == compose.exec("vpn", "ip", "-o", "link")
    assert compose.exec("app", "ping", "-c", "1", "-W", "5", "client").count("1 packets received") == 1
    assert compose.run("port", "vpn", "8000").splitlines()[0] in ("0.0.0.0:8000", "[::]:8000")

    compose.run("--profile", "debug", "up", "--detach")
    assert "httpd" in compose.exec("watcher", "ps")
    assert compose.exec("watcher", "wget", "-qO-", "http://127.0.0.1:8000/") == "through the tunnel"

    compose.run("restart", "--timeout", "0", "client", "app")
    eventually(lambda: host.reaches("127.0.0.1", 8000))
    compose.run("restart", "--timeout", "0", "vpn")
    if compose.engine.reference:  # there the app is cut off
        compose.run("restart", "--timeout", "0", "app")
    eventually(lambda: host.reaches("127.0.0.1", 8000))
    eventually(lambda: "10.8.0.2" in compose.exec("app", "ip", "addr", "show", "tun0"))
    assert compose.exec("app", "ip", "-o", "link") == compose.exec("vpn", "ip", "-o", "link")
    compose.run("--profile", "debug", "down", "--timeout", "0")
    assert compose.containers("watcher") == []
