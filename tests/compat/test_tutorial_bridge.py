"""The tutorial's overview and its sections on bridges, typed as they stand."""

from __future__ import annotations

import re

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.image import NGINX_PAGE
from rig.internet import GOOGLE
from rig.terminal import CTRL_P_CTRL_Q, Terminal

TWO_OF_TWO = r"2 packets transmitted, 2 packets received, 0% packet loss"


def typed(docker: Docker, line: str) -> str:
    """Type a line of the tutorial into a shell; it must succeed. Returns what it printed."""
    done = docker.shell(line)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


def test_overview_lists_the_three_networks(docker: Docker) -> None:
    rows = [line.split() for line in typed(docker, "docker network ls").splitlines()]
    assert rows[0] == ["NETWORK", "ID", "NAME", "DRIVER", "SCOPE"]
    assert [row[1:] for row in rows[1:]] == [
        ["bridge", "bridge", "local"],
        ["host", "host", "local"],
        ["none", "null", "local"],
    ]
    assert all(re.fullmatch("[0-9a-f]{12}", row[0]) for row in rows[1:])


def test_manage_a_user_defined_bridge(docker: Docker) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}\n", typed(docker, "docker network create my-net"))
    assert typed(docker, "docker network rm my-net") == "my-net\n"
    assert "my-net" not in docker.out("network", "ls")


CREATE_NGINX = r"""docker create --name my-nginx \
  --network my-net \
  --publish 8080:80 \
  nginx:latest
"""


def test_connect_a_container_to_a_user_defined_bridge(docker: Docker, engine: Engine) -> None:
    typed(docker, "docker network create my-net")
    assert re.fullmatch(r"[0-9a-f]{64}\n", typed(docker, CREATE_NGINX))
    docker.out("start", "my-nginx")
    assert eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
    assert engine.host.fetch("127.0.0.1", 8080).decode() == NGINX_PAGE
    # "Any other container connected to the my-net network has access to all ports on the my-nginx container"
    page = docker.out("run", "--rm", "--network", "my-net", "alpine", "wget", "-qO-", "http://my-nginx/")
    assert page == NGINX_PAGE.strip()


def test_connect_and_disconnect_a_running_container(docker: Docker, engine: Engine) -> None:
    typed(docker, "docker network create my-net")
    typed(docker, "docker run -d --name my-nginx --publish 8080:80 nginx:latest")
    assert eventually(lambda: engine.host.reaches("127.0.0.1", 8080))
    assert typed(docker, "docker network connect my-net my-nginx") == ""
    assert set(docker.inspect("my-nginx")["NetworkSettings"]["Networks"]) == {"bridge", "my-net"}
    assert "eth1" in docker.out("exec", "my-nginx", "ip", "addr", "show")
    assert docker.out("run", "--rm", "--network", "my-net", "alpine", "wget", "-qO-", "my-nginx") == NGINX_PAGE.strip()
    assert typed(docker, "docker network disconnect my-net my-nginx") == ""
    assert set(docker.inspect("my-nginx")["NetworkSettings"]["Networks"]) == {"bridge"}
    assert "eth1" not in docker.out("exec", "my-nginx", "ip", "addr", "show")
    assert engine.host.reaches("127.0.0.1", 8080)


def test_enable_forwarding(engine: Engine) -> None:
    """Containers reach the outside world; the page's two settings may be made and change nothing."""
    docker = Docker(engine)
    for _ in range(2):
        assert re.search(TWO_OF_TWO, docker.out("run", "--rm", "alpine", "ping", "-c", "2", "google.com"))
        engine.host.run(["sysctl", "net.ipv4.conf.all.forwarding=1"])
        engine.host.run(["iptables", "-P", "FORWARD", "ACCEPT"])


def test_two_containers_on_the_default_bridge(docker: Docker) -> None:
    """The walk-through: two shells, `docker attach`, `ip addr show`, three pings, Ctrl-p Ctrl-q."""
    for line in ("docker run -dit --name alpine1 alpine ash", "docker run -dit --name alpine2 alpine ash"):
        assert re.fullmatch(r"[0-9a-f]{64}\n", typed(docker, line))
    rows = typed(docker, "docker container ls").splitlines()
    assert rows[0].split() == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    assert [row.split()[-1] for row in rows[1:]] == ["alpine2", "alpine1"]
    assert all(re.search(r'alpine\s+"ash"\s+.* ago\s+Up ', row) for row in rows[1:])

    network = docker.inspect("network", "bridge")
    config = {"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}
    # Docker 20.10 leaves the gateway out until its first restart.
    assert network["IPAM"]["Config"] in ([config], [{"Subnet": "172.17.0.0/16"}] if docker.engine.reference else None)
    assert network["Options"] == {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": "true",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
        "com.docker.network.bridge.name": "docker0",
        "com.docker.network.driver.mtu": "1500",
    }
    addresses = {one["Name"]: one["IPv4Address"] for one in network["Containers"].values()}
    assert addresses == {"alpine1": "172.17.0.2/16", "alpine2": "172.17.0.3/16"}
    macs = {one["Name"]: one["MacAddress"] for one in network["Containers"].values()}

    for own, peer, peer_address in (("alpine1", "alpine2", "172.17.0.3"), ("alpine2", "alpine1", "172.17.0.2")):
        with docker.terminal("attach", own) as screen:
            screen.line("")
            screen.expect(r"/ # ")
            screen.line("ip addr show")
            screen.expect(r"lo: <LOOPBACK,UP,LOWER_UP>")
            screen.expect(r"eth0@if\d+: <BROADCAST,MULTICAST,UP,LOWER_UP.*> mtu 1500")
            screen.expect(rf"link/ether {macs[own]} brd ff:ff:ff:ff:ff:ff")
            screen.expect(rf"inet {re.escape(addresses[own])} brd 172.17.255.255 scope global eth0")
            _ping(screen, "google.com", GOOGLE)
            _ping(screen, peer_address, peer_address)
            screen.line(f"ping -c 2 {peer}")
            screen.expect(rf"ping: bad address '{peer}'")
            screen.expect(r"/ # ")
            screen.type(CTRL_P_CTRL_Q)
            screen.expect("read escape sequence")
            screen.wait()

    assert [row.split()[-1] for row in docker.lines("container", "ls")[1:]] == ["alpine2", "alpine1"]
    # ash on a terminal does not heed SIGTERM; ten seconds a container would only be waiting
    docker.out("kill", "alpine1", "alpine2")
    assert typed(docker, "docker container stop alpine1 alpine2") == "alpine1\nalpine2\n"
    assert typed(docker, "docker container rm alpine1 alpine2") == "alpine1\nalpine2\n"


def _ping(screen: Terminal, target: str, address: str) -> None:
    screen.line(f"ping -c 2 {target}")
    screen.expect(rf"PING {re.escape(target)} \({re.escape(address)}\): 56 data bytes")
    screen.expect(rf"64 bytes from {re.escape(address)}: seq=1 ttl=\d+")
    screen.expect(TWO_OF_TWO)
    screen.expect(r"/ # ")


def test_names_resolve_on_a_user_defined_bridge(docker: Docker) -> None:
    """User-defined bridges provide automatic DNS resolution between containers; the page's `web` and `db`."""
    typed(docker, "docker network create my-net")
    typed(docker, "docker run -dit --name db --network my-net --network-alias database alpine ash")
    with docker.terminal("run", "-it", "--name", "web", "--network", "my-net", "alpine") as screen:
        screen.expect(r"/ # ")
        address = docker.inspect("db")["NetworkSettings"]["Networks"]["my-net"]["IPAddress"]
        for name in ("db", "database"):
            _ping(screen, name, address)
        screen.line("exit")
        assert screen.wait() == 0


def test_links_share_names_on_the_default_bridge(docker: Docker) -> None:
    """ "unless they are linked using the legacy --link flag"."""
    typed(docker, "docker run -dit --name db alpine ash")
    answer = docker.out("run", "--rm", "--link", "db:database", "alpine", "ping", "-c", "1", "database")
    assert docker.inspect("db")["NetworkSettings"]["IPAddress"] in answer


def test_a_network_in_use_is_not_removed(docker: Docker) -> None:
    typed(docker, "docker network create my-net")
    container = typed(docker, "docker run -dit --name alpine1 --network my-net alpine").strip()
    refusal = docker.fails("network", "rm", "my-net", status=1)
    assert re.search(r"error while removing network: network my-net.* has active endpoints", refusal)
    docker.out("network", "disconnect", "my-net", container)
    typed(docker, "docker network rm my-net")


def test_different_bridges_cannot_talk(docker: Docker) -> None:
    """Docker "automatically installs rules in the host machine so that containers on different bridge networks cannot
    communicate directly with each other"."""
    typed(docker, "docker network create my-net")
    typed(docker, "docker run -d --name my-nginx --network my-net nginx:latest")
    address = docker.inspect("my-nginx")["NetworkSettings"]["Networks"]["my-net"]["IPAddress"]
    eventually(lambda: docker.out("exec", "my-nginx", "wget", "-qO-", "http://127.0.0.1/"))
    same = docker.out("run", "--rm", "--network", "my-net", "alpine", "wget", "-qO-", f"http://{address}/")
    assert same == NGINX_PAGE.strip()
    docker.out("run", "-dit", "--name", "other", "alpine")
    assert docker("exec", "other", "timeout", "1", "wget", "-qO-", f"http://{address}/").returncode != 0
