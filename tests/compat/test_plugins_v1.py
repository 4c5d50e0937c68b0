"""Network and IPAM plugins of protocol v1, each a process of its own, used through the docker CLI."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.docker import Docker
from rig.engine import Engine
from rig.eventually import eventually
from rig.flow import flood, is_held_to, passed
from rig.inside import Inside
from rig.leftovers import settled
from rig.plugin import EXAMPLES, Plugin, written

pytestmark = pytest.mark.weft_only("the rig's plugins need the engine's own host")

HTTPD = ("busybox", "sh", "-c", "mkdir -p /www; hostname >/www/index.html; exec httpd -f -h /www")


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    return docker_newest


@pytest.fixture
def ptp(engine: Engine) -> Iterator[Plugin]:
    """The example network driver."""
    plugin = Plugin(engine.host, EXAMPLES / "ptp.py")
    yield plugin
    engine.sweep()
    plugin.stop()


@pytest.fixture
def sequential(engine: Engine) -> Iterator[Plugin]:
    """The example IPAM driver; its state is `sequential.json` in the host's directory."""
    state = engine.host.directory / "sequential.json"
    state.unlink(missing_ok=True)
    plugin = Plugin(engine.host, EXAMPLES / "sequential.py", state)
    yield plugin
    engine.sweep()
    plugin.stop()


def links(engine: Engine) -> set[str]:
    """The names of the host's links."""
    return set(re.findall(r"^\d+: ([^:@]+)", engine.host.output("ip", "-o", "link"), re.MULTILINE))


def state(plugin: Plugin) -> dict[str, dict[str, object]]:
    """What the sequential allocator keeps."""
    found: dict[str, dict[str, object]] = json.loads((plugin.host.directory / "sequential.json").read_text())
    return found


def reached(engine: Engine, address: str, port: int) -> bool:
    """Whether an HTTP server answers the host, once it has come up."""
    return eventually(lambda: engine.host.reaches(address, port))


def asked(docker: Docker, container: str, address: str) -> str:
    """What the HTTP server at an address answers to a container, once it has come up."""
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {address} 80"
    return eventually(lambda: docker("exec", container, "sh", "-c", request).stdout)


def test_traffic_on_a_plugins_network(docker: Docker, ptp: Plugin) -> None:
    before = settled(docker.engine)
    docker.out("network", "create", "-d", "ptp", "--subnet", "10.71.0.0/24", "wires")
    docker.out("run", "-d", "--name", "one", "--network", "wires", *HTTPD)
    docker.out("run", "-d", "--name", "two", "--network", "wires", "busybox", "top")
    one = docker.inspect("one")["NetworkSettings"]["Networks"]["wires"]
    assert (one["IPAddress"], one["Gateway"]) == ("10.71.0.2", "10.71.0.1")
    shown = docker.out("exec", "one", "ip", "addr", "show", "eth0")
    assert "inet 10.71.0.2/24" in shown
    assert "default via 10.71.0.1 dev eth0" in docker.out("exec", "one", "ip", "route")
    assert docker.out("exec", "two", "ping", "-c", "1", "-W", "5", "one")  # by name, through the host
    assert "200 OK" in asked(docker, "two", "10.71.0.2")
    assert reached(docker.engine, "10.71.0.2", 80)
    docker.out("rm", "-f", "one", "two")
    docker.out("network", "rm", "wires")
    assert settled(docker.engine) == before


def test_rates_on_a_plugins_network(docker: Docker, ptp: Plugin) -> None:
    """10 Mbit/s out is 1.25 MB a second; what comes in faster than 4 Mbit/s is dropped, a second's worth apart."""
    docker.out("network", "create", "-d", "ptp", "--subnet", "10.76.0.0/24", "wires")
    rates = "name=wires,driver-opt=weft.egress_rate=10mbit,driver-opt=weft.ingress_rate=4mbit"
    docker.out("run", "-d", "--name", "limited", "--network", rates, "busybox", "top")
    docker.out("run", "-d", "--name", "free", "--network", "wires", "busybox", "top")
    limited, free = Inside(docker.engine, "limited"), Inside(docker.engine, "free")
    addresses = [
        docker.inspect(name)["NetworkSettings"]["Networks"]["wires"]["IPAddress"] for name in ("limited", "free")
    ]
    assert is_held_to(1_250_000, passed(flood(limited, addresses[1]), free, 2.0))
    assert is_held_to(500_000, passed(flood(free, addresses[0]), limited, 2.0), at_once=600_000)


BARE = """
import subprocess, sys, time
from weft.plugins.sdk import Join, NetworkDriver, serve

class Bare(NetworkDriver):
    '''Cables that lead nowhere: no gateway. The environment of the test is the file named on the command line.'''
    def create_endpoint(self, endpoint):
        print("create", endpoint.id, flush=True)
        ip = ["ip", "link", "add", "bn" + endpoint.id[:9], "type", "veth", "peer", "name", "bf" + endpoint.id[:9]]
        subprocess.run(ip, check=True)

    def join(self, endpoint):
        mode = open(sys.argv[1]).read()
        print("join", endpoint.id, flush=True)
        while mode == "slow":
            time.sleep(0.05)
            mode = open(sys.argv[1]).read()
        if mode == "closed":
            return Join(source="bf" + endpoint.id[:9], gateway="10.74.0.1")
        if mode == "refuse":
            raise RuntimeError("no way in")
        if mode == "wrong":
            return Join(source="nothere")
        if mode == "die":
            import os
            os._exit(1)
        return Join(source="bf" + endpoint.id[:9], disable_gateway_service=mode == "alone")

    def leave(self, endpoint):
        print("leave", endpoint.id, flush=True)

    def delete_endpoint(self, endpoint):
        print("delete", endpoint.id, flush=True)
        subprocess.run(["ip", "link", "delete", "bn" + endpoint.id[:9]], check=True)

    def program_external_connectivity(self, endpoint):
        print("program", endpoint.id, flush=True)
        raise RuntimeError("no way through")

serve(Bare(), name="bare")
"""


@pytest.fixture
def mode(engine: Engine) -> Path:
    """The file that tells the driver `bare` how to behave."""
    path = engine.host.directory / "mode"
    path.write_text("")
    return path


@pytest.fixture
def bare(engine: Engine, mode: Path) -> Iterator[Plugin]:
    """A network driver that gives no gateway."""
    plugin = written(engine.host, "bare", BARE, str(mode))
    plugin.log.write_text("")
    yield plugin
    engine.sweep()
    plugin.stop()


def calls(plugin: Plugin) -> list[str]:
    """The calls that the driver `bare` wrote down, without ids."""
    return re.findall(r"^(create|join|leave|delete|program) [0-9a-f]{64}$", plugin.log.read_text(), re.MULTILINE)


def test_without_a_gateway_the_way_out_is_docker_gwbridge(docker: Docker, bare: Plugin) -> None:
    outer = docker.engine.host.outer[0]
    docker.out("network", "create", "-d", "bare", "--subnet", "10.72.0.0/24", "cut")
    docker.out("run", "-d", "--name", "one", "--network", "cut", "-p", "8072:80", *HTTPD)
    bridge = docker.inspect("network", "docker_gwbridge")
    assert bridge["Options"]["com.docker.network.bridge.enable_icc"] == "false"
    member = next(iter(bridge["Containers"].values()))
    assert member["Name"] == "gateway_" + docker.inspect("one")["Id"][:12]
    assert list(docker.inspect("one")["NetworkSettings"]["Networks"]) == ["cut"]
    way = bridge["IPAM"]["Config"][0]["Gateway"]
    assert f"default via {way} dev eth1" in docker.out("exec", "one", "ip", "route")
    assert reached(docker.engine, outer, 8072)
    assert "docker_gwbridge" in docker.lines("network", "ls", "--format", "{{.Name}}")
    assert "gateway_" in docker.fails("network", "rm", "docker_gwbridge")
    docker.out("network", "create", "other")
    docker.out("network", "connect", "other", "one")  # a better way out: the other one goes
    assert docker.inspect("network", "docker_gwbridge")["Containers"] == {}
    assert way not in docker.out("exec", "one", "ip", "route")
    assert reached(docker.engine, outer, 8072)
    docker.out("network", "disconnect", "other", "one")
    assert f"default via {way}" in docker.out("exec", "one", "ip", "route")
    assert reached(docker.engine, outer, 8072)
    docker.out("restart", "-t", "0", "one")
    assert f"default via {way} dev eth1" in docker.out("exec", "one", "ip", "route")
    docker.out("rm", "-f", "one")
    docker.out("network", "rm", "docker_gwbridge")  # it is a plain network


def test_a_driver_may_want_no_way_out(docker: Docker, bare: Plugin, mode: Path) -> None:
    mode.write_text("alone")
    docker.out("network", "create", "-d", "bare", "cut")
    docker.out("network", "create", "-d", "bare", "--internal", "inner")
    docker.out("run", "-d", "--name", "one", "--network", "cut", "busybox", "top")
    mode.write_text("")
    docker.out("run", "-d", "--name", "two", "--network", "inner", "busybox", "top")
    for container in ("one", "two"):
        assert "default" not in docker.out("exec", container, "ip", "route")
    assert "docker_gwbridge" not in docker.lines("network", "ls", "--format", "{{.Name}}")


def test_connect_and_disconnect_a_running_container(docker: Docker, bare: Plugin, ptp: Plugin) -> None:
    docker.out("network", "create", "-d", "bare", "cut")
    docker.out("network", "create", "-d", "ptp", "--subnet", "10.73.0.0/24", "wires")
    docker.out("run", "-d", "--name", "one", "--network", "cut", "busybox", "top")
    docker.out("network", "connect", "--ip", "10.73.0.77", "wires", "one")
    assert "default via 10.73.0.1" in docker.out("exec", "one", "ip", "route")
    assert docker.inspect("network", "docker_gwbridge")["Containers"] == {}
    docker.engine.host.output("ping", "-c", "1", "-W", "5", "10.73.0.77")
    docker.out("network", "disconnect", "wires", "one")
    assert not any(name.startswith("ptp") for name in links(docker.engine))
    assert len(docker.inspect("network", "docker_gwbridge")["Containers"]) == 1
    docker.out("network", "disconnect", "cut", "one")
    assert docker.inspect("network", "docker_gwbridge")["Containers"] == {}
    assert calls(bare) == ["create", "join", "leave", "delete"]


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("refuse", "remote: no way in"),
        ("closed", "remote: no way through"),
        ("wrong", "nothere"),
        ("die", "plugin bare broke off at NetworkDriver.Join"),
    ],
)
def test_what_fails_half_way_leaves_nothing(docker: Docker, bare: Plugin, mode: Path, way: str, words: str) -> None:
    docker.out("network", "create", "-d", "bare", "--subnet", "10.74.0.0/29", "cut")
    docker.out("network", "create", "other")
    docker.out("create", "--name", "one", "--network", "other", "-p", "8074:80", "busybox", "top")
    docker.out("network", "connect", "cut", "one")
    before = settled(docker.engine)
    mode.write_text(way)
    for _ in range(1 if way == "die" else 8):  # as often as there are addresses: each is given back
        assert words in docker.fails("start", "one")
    if way == "die":
        left = {name for name in links(docker.engine) if name.startswith(("bn", "bf"))}
        assert len(left) == 2  # the dead plugin's own, which nobody else knows
        docker.engine.host.output("ip", "link", "delete", min(left))
        bare.start()
    else:
        undone = ["create", "join", *(["program"] if way == "closed" else []), "leave", "delete"]
        assert calls(bare)[: len(undone)] == undone
    assert settled(docker.engine).links == before.links
    assert docker.inspect("one")["State"]["Status"] == "created"
    mode.write_text("")
    docker.out("start", "one")
    docker.out("rm", "-f", "one")
    mode.write_text(way)
    docker.out("run", "-d", "--name", "two", "--network", "other", "busybox", "top")
    assert words in docker.fails("network", "connect", "cut", "two")
    assert list(docker.inspect("two")["NetworkSettings"]["Networks"]) == ["other"]
    assert "eth1" not in docker.out("exec", "two", "ip", "-o", "link")
    if way == "die":
        bare.start()


def test_a_restart_of_the_daemon_with_the_plugin_away(docker: Docker, engine: Engine, bare: Plugin) -> None:
    docker.out("network", "create", "-d", "bare", "--subnet", "10.75.0.0/24", "cut")
    docker.out("run", "-d", "--name", "one", "--network", "cut", "-p", "8075:80", *HTTPD)
    bare.kill()
    engine.kill()
    engine.start()
    assert docker.inspect("one")["State"]["Running"]
    assert reached(engine, engine.host.outer[0], 8075)
    docker.out("run", "-d", "--name", "plain", "busybox", "top")  # others are served
    assert "plugin bare does not answer" in docker.fails("network", "connect", "cut", "plain")
    docker.out("stop", "-t", "0", "one")  # stops without its driver
    assert "plugin bare does not answer" in docker.fails("network", "rm", "cut")
    bare.start()
    docker.out("start", "one")
    assert docker.inspect("one")["NetworkSettings"]["Networks"]["cut"]["IPAddress"] == "10.75.0.2"
    engine.restart()
    docker.out("rm", "-f", "one")
    assert calls(bare)[-2:] == ["leave", "delete"]
    docker.out("network", "rm", "cut")


def test_a_daemon_killed_half_way_through_an_attachment(
    docker: Docker, engine: Engine, bare: Plugin, mode: Path
) -> None:
    docker.out("network", "create", "-d", "bare", "cut")
    docker.out("create", "--name", "one", "--network", "cut", "busybox", "top")
    before = settled(engine)
    mode.write_text("slow")
    with docker.popen("start", "one"):
        eventually(lambda: calls(bare) == ["create", "join"])
        engine.kill()
    mode.write_text("")
    engine.start()
    eventually(lambda: calls(bare)[-2:] == ["leave", "delete"])
    assert settled(engine).links == before.links
    docker.out("start", "one")


def test_an_ipam_plugin_under_a_bridge(docker: Docker, sequential: Plugin) -> None:
    docker.out("network", "create", "--ipam-driver", "sequential", "--ipam-opt", "base=10.76.0.0/16", "net")
    network = docker.inspect("network", "net")
    assert network["IPAM"] == {
        "Driver": "sequential",
        "Options": {"base": "10.76.0.0/16"},
        "Config": [{"Subnet": "10.76.0.0/24", "Gateway": "10.76.0.1"}],
    }
    docker.out("run", "-d", "--name", "one", "--network", "net", *HTTPD)
    docker.out("run", "-d", "--name", "two", "--network", "net", "--ip", "10.76.0.200", "busybox", "top")
    assert docker.inspect("one")["NetworkSettings"]["Networks"]["net"]["IPAddress"] == "10.76.0.2"
    assert "200 OK" in asked(docker, "two", "10.76.0.2")
    docker.out("restart", "-t", "0", "one")
    assert docker.inspect("one")["NetworkSettings"]["Networks"]["net"]["IPAddress"] == "10.76.0.3"  # the next one
    taken = ("run", "--network", "net", "--ip", "10.76.0.200", "busybox", "true")
    assert "remote: 10.76.0.200 is taken" in docker.fails(*taken)
    docker.out("rm", "-f", "one", "two")
    assert state(sequential)["10.76.0.0/24"]["taken"] == ["10.76.0.1"]
    docker.out("network", "rm", "net")
    assert state(sequential) == {}


SLOW = """
import sys, time
from pathlib import Path
from weft.plugins.sdk import IpamDriver, Pool, serve

MODE, HELD = map(Path, sys.argv[1:])

class Slow(IpamDriver):
    # Gives one pool, and takes its time over the gateway; what it gave is the file HELD.
    def request_pool(self, pool, sub_pool, options, ipv6, address_space):
        HELD.touch(exist_ok=False)
        return Pool(id="only", pool="10.95.0.0/24")

    def release_pool(self, pool_id):
        HELD.unlink()

    def request_address(self, request):
        while MODE.read_text() == "slow":
            time.sleep(0.05)
        return "10.95.0.1/24"

serve(Slow(), name="slow")
"""


def test_a_pool_of_a_network_that_a_crash_cut_off(docker: Docker, engine: Engine, mode: Path) -> None:
    held = engine.host.directory / "held"
    mode.write_text("slow")
    plugin = written(engine.host, "slow", SLOW, str(mode), str(held))
    create = ("network", "create", "--ipam-driver", "slow", "net")
    try:
        with docker.popen(*create):
            eventually(held.exists)
            engine.kill()
        mode.write_text("")
        engine.start()
        eventually(lambda: not held.exists())
        docker.out(*create)
        engine.kill()
        engine.start()
        # it is asked only after it was told what is held
        docker.fails("network", "create", "--ipam-driver", "slow", "--subnet", "10.96.0.0/24", "other")
        assert held.exists()  # this one has its network
        docker.out("network", "rm", "net")
        assert not held.exists()
    finally:
        mode.write_text("")
        engine.sweep()
        plugin.stop()


def test_pools_that_collide_with_a_route_are_passed_over(docker: Docker, sequential: Plugin) -> None:
    docker.engine.host.output("ip", "route", "add", "10.77.0.0/23", "dev", "lo")
    try:
        docker.out("network", "create", "--ipam-driver", "sequential", "--ipam-opt", "base=10.77.0.0/16", "net")
        assert list(state(sequential)) == ["10.77.2.0/24"]
        create = ("network", "create", "--ipam-driver", "sequential", "--subnet", "10.77.2.0/24", "more")
        assert "remote: 10.77.2.0/24 is taken" in docker.fails(*create)
        assert "remote: sequential has IPv4 only" in docker.fails(
            *("network", "create", "--ipv6", "--ipam-driver", "sequential", "--ipam-opt", "base=10.78.0.0/16", "six")
        )
        assert list(state(sequential)) == ["10.77.2.0/24"]  # the IPv4 pool went back
    finally:
        docker.engine.host.output("ip", "route", "del", "10.77.0.0/23", "dev", "lo")


def test_both_kinds_together(docker: Docker, ptp: Plugin, sequential: Plugin) -> None:
    docker.out("network", "create", "-d", "ptp", "--ipam-driver", "sequential", "--subnet", "10.79.0.0/24", "both")
    docker.out("run", "-d", "--name", "one", "--network", "both", *HTTPD)
    assert reached(docker.engine, "10.79.0.2", 80)
    docker.engine.restart()
    docker.out("rm", "-f", "one")
    docker.out("network", "rm", "both")
    assert state(sequential) == {}


def test_no_address_management_at_all(docker: Docker, bare: Plugin) -> None:
    assert "ipv4 pool is empty" in docker.fails("network", "create", "--ipam-driver", "null", "net")
    docker.out("network", "create", "-d", "bare", "--ipam-driver", "null", "raw")
    assert docker.inspect("network", "raw")["IPAM"]["Config"] == [{"Subnet": "0.0.0.0/0"}]
    docker.out("run", "-d", "--name", "one", "--network", "raw", "busybox", "top")
    endpoint = docker.inspect("one")["NetworkSettings"]["Networks"]["raw"]
    assert (endpoint["IPAddress"], endpoint["Gateway"]) == ("", "")
    assert "inet " not in docker.out("exec", "one", "ip", "addr", "show", "eth0")


def test_unknown_names_and_what_is_shown(docker: Docker, bare: Plugin) -> None:
    for words in (("-d", "nobody"), ("--ipam-driver", "nobody")):
        error = docker.fails("network", "create", *words, "net")
        assert "could not find plugin nobody in v1 plugin registry: plugin not found" in error
    assert docker.lines("plugin", "ls", "-q") == []
    docker.out("network", "create", "-d", "bare", "cut")
    assert "bare" in docker.out("info", "--format", "{{json .Plugins.Network}}")
    assert docker.lines("network", "ls", "-f", "driver=bare", "--format", "{{.Name}}") == ["cut"]


def test_a_users_own_docker_gwbridge_is_used(docker: Docker, bare: Plugin) -> None:
    options = ("-o", "com.docker.network.bridge.name=docker_gwbridge", "-o", "com.docker.network.driver.mtu=1400")
    docker.out("network", "create", "--subnet", "10.80.0.0/24", *options, "docker_gwbridge")
    docker.out("network", "create", "-d", "bare", "cut")
    docker.out("run", "-d", "--name", "one", "--network", "cut", "busybox", "top")
    assert "default via 10.80.0.1 dev eth1" in docker.out("exec", "one", "ip", "route")
    assert docker.out("exec", "one", "cat", "/sys/class/net/eth1/mtu") == "1400"


def test_the_commands_of_the_page(docker: Docker, engine: Engine) -> None:
    page = (EXAMPLES.parents[1] / "docs" / "drivers" / "plugins.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        script = block.replace("python3 ", f"{sys.executable} {EXAMPLES.parents[1]}/").replace("/var/lib/", "/run/")
        wait = "for _ in $(seq 100); do ls /run/docker/plugins/*.sock >/dev/null 2>&1 && break; sleep 0.1; done"
        lines = [script.splitlines()[0], wait, *script.splitlines()[1:]]
        commands = "\n".join(["set -e", "trap 'kill %1' EXIT", "exec 3>&1 >&2", *lines])
        environment = ["env", f"DOCKER_HOST={engine.url}", f"HOME={docker.directory}"]
        done = engine.host.run([*environment, "bash", "-c", commands], timeout=60)
        assert ("1 packets received" in done.stderr) or ("inet 10.99.0.3/24" in done.stderr), done.stderr
