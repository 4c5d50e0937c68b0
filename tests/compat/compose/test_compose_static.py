"""Addresses, names and driver options of a file arrive; external networks are used and left alone."""

from __future__ import annotations

from rig.compose import Compose
from rig.eventually import eventually


def test_static(compose: Compose) -> None:
    missing = compose("up", "--detach")
    assert missing.returncode != 0
    assert "from-elsewhere" in missing.stderr
    compose.docker.out("network", "create", "from-elsewhere")
    compose.run("up", "--detach")

    networks = compose.inspect("server")["NetworkSettings"]["Networks"]
    assert networks["static_lan"]["IPAddress"] == "10.99.0.10"
    assert networks["static_lan"]["GlobalIPv6Address"] == "fd00:99::10"
    assert compose.inspect("client")["NetworkSettings"]["Networks"]["static_lan"]["IPAddress"] == "10.99.0.11"
    host = compose.engine.host
    assert "10.99.0.254/24" in host.output("ip", "addr", "show", "br-lan")
    assert "mtu 1400" in compose.exec("client", "ip", "link", "show", "eth0")
    for name in ("web", "www.lab", "server", "10.99.0.10", "[fd00:99::10]"):
        answer = eventually(lambda name=name: compose("exec", "-T", "client", "wget", "-qO-", f"http://{name}/").stdout)
        assert answer == "served\n"
    assert compose.exec("neighbour", "wget", "-qO-", "http://lent/") == "served"
    assert compose("exec", "-T", "neighbour", "wget", "-T", "1", "-qO-", "http://10.99.0.10/").returncode != 0
    hosts = compose.exec("server", "cat", "/etc/hosts")
    assert "10.99.0.77\tprinter" in hosts
    assert "lab.example" in compose.exec("server", "cat", "/etc/resolv.conf")
    assert compose.exec("server", "hostname") == "server"

    compose.run("up", "--detach", "--force-recreate", "--timeout", "0", "server")
    assert compose.inspect("server")["NetworkSettings"]["Networks"]["static_lan"]["IPAddress"] == "10.99.0.10"
    assert compose.exec("client", "wget", "-qO-", "http://web/") == "served"
    compose.run("down", "--timeout", "0")
    assert compose.docker.lines("network", "ls", "--filter", "name=from-elsewhere", "--format", "{{.Name}}") == [
        "from-elsewhere"
    ]
    assert not compose.docker.lines("network", "ls", "-q", "--filter", "name=static_lan")
