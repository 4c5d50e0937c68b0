"""Rates of endpoints by `--driver-opt`: what the kernel holds, what passes, what is refused."""

from __future__ import annotations

import re

import pytest

from rig.docker import Docker
from rig.engine import MakeEngine
from rig.flow import flood, is_held_to, passed
from rig.host import Host
from rig.inside import Inside

pytestmark = pytest.mark.weft_only("it has no rates")

BOTH = "driver-opt=weft.egress_rate=10mbit,driver-opt=weft.ingress_rate=4mbit"


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    return docker_newest


def queue_inside(docker: Docker, name: str, link: str = "eth0") -> str:
    """What the container's end of an endpoint sends by."""
    return inside(docker, name, "tc", "-s", "qdisc", "show", "dev", link)


def inside(docker: Docker, name: str, *command: str) -> str:
    """What a program of the host prints in the container's network namespace."""
    pid = docker.inspect(name)["State"]["Pid"]
    return docker.engine.host.output("nsenter", f"--net=/proc/{pid}/ns/net", *command)


def queue_outside(docker: Docker, name: str) -> str:
    """What the host's end of the container's endpoint sends by."""
    index = docker.out("exec", name, "cat", "/sys/class/net/eth0/iflink")
    links = docker.engine.host.output("ip", "-o", "link")
    found = re.search(rf"^{index}: ([^:@]+)", links, re.MULTILINE)
    assert found, links
    return docker.engine.host.output("tc", "-s", "qdisc", "show", "dev", found[1])


def run(docker: Docker, name: str, network: str, options: str = "") -> str:
    """A container that does nothing; return its address."""
    flags = f"name={network},{options}" if options else network
    docker.out("run", "-d", "--name", name, "--network", flags, "busybox", "top")
    return str(docker.inspect(name)["NetworkSettings"]["Networks"][network]["IPAddress"])


def test_the_kernel_holds_the_rates(docker: Docker) -> None:
    docker.out("network", "create", "net")
    run(docker, "one", "net", BOTH)
    assert re.search(r"qdisc tbf 1: root refcnt \d+ rate 10Mbit burst \d+b lat", queue_inside(docker, "one"))
    assert re.search(r"qdisc tbf 1: root refcnt \d+ rate 4Mbit burst \d+b lat", queue_outside(docker, "one"))
    assert docker.inspect("one")["NetworkSettings"]["Networks"]["net"]["DriverOpts"] == {
        "weft.egress_rate": "10mbit",
        "weft.ingress_rate": "4mbit",
    }
    run(docker, "two", "net")
    assert "tbf" not in queue_inside(docker, "two") + queue_outside(docker, "two")


@pytest.mark.parametrize("rate", ["8kbit", "1mbit", "1gbit", "10gbit", "100gbit"])
def test_rates_of_every_size(docker: Docker, rate: str) -> None:
    docker.out("network", "create", "net")
    run(docker, "one", "net", f"driver-opt=weft.egress_rate={rate}")
    shown = rate.replace("k", "K").replace("m", "M").replace("g", "G")
    assert f"rate {shown} " in queue_inside(docker, "one")
    assert "1 packets received" in docker.out("exec", "one", "ping", "-c1", "-W2", "-s", "1400", _gateway(docker))


def _gateway(docker: Docker) -> str:
    return str(docker.inspect("network", "net")["IPAM"]["Config"][0]["Gateway"])


def test_no_more_passes_than_the_rate(docker: Docker) -> None:
    """10 Mbit/s is 1.25 MB a second, 4 Mbit/s half a MB."""
    docker.out("network", "create", "net")
    limited = run(docker, "limited", "net", BOTH)
    free = run(docker, "free", "net")
    ends = Inside(docker.engine, "limited"), Inside(docker.engine, "free")
    assert is_held_to(1_250_000, passed(flood(ends[0], free), ends[1], 2.0))
    assert is_held_to(500_000, passed(flood(ends[1], limited), ends[0], 2.0))
    assert re.search(r"Sent [1-9]\d{4,} bytes", queue_inside(docker, "limited"))


def test_macvlan_endpoints(docker: Docker) -> None:
    """What a macvlan endpoint sends waits; what it receives too fast is dropped, there being no host end to wait at."""
    host = docker.engine.host
    host.run(["ip", "link", "add", "wire0", "type", "veth", "peer", "name", "wire1"])
    try:
        for end in ("wire0", "wire1"):
            host.run(["ip", "link", "set", end, "up"])
        docker.out("network", "create", "-d", "macvlan", "-o", "parent=wire0", "--subnet", "10.66.0.0/24", "net")
        limited = run(docker, "limited", "net", BOTH)
        free = run(docker, "free", "net")
        assert "rate 10Mbit" in queue_inside(docker, "limited")
        ends = Inside(docker.engine, "limited"), Inside(docker.engine, "free")
        assert is_held_to(1_250_000, passed(flood(ends[0], free), ends[1], 2.0))
        assert is_held_to(500_000, passed(flood(ends[1], limited), ends[0], 2.0), at_once=600_000)
        assert "limit rate over 500000 bytes/second" in inside(docker, "limited", "nft", "list", "ruleset")
        docker.out("network", "create", "other")
        docker.out("network", "connect", "other", "limited")
        docker.out("network", "disconnect", "net", "limited")
        assert "limit rate" not in inside(docker, "limited", "nft", "list", "ruleset")
        docker.out("rm", "-f", "limited", "free")
        docker.out("network", "rm", "net")
    finally:
        host.run(["ip", "link", "delete", "wire0"])


def test_connect_and_disconnect(docker: Docker) -> None:
    docker.out("network", "create", "net")
    docker.out("run", "-d", "--name", "one", "busybox", "top")
    docker.out("network", "connect", "--driver-opt", "weft.egress_rate=500kbps", "net", "one")
    assert "rate 4Mbit" in queue_inside(docker, "one", "eth1")
    assert "tbf" not in queue_inside(docker, "one", "eth0")
    docker.out("network", "disconnect", "net", "one")
    docker.out("network", "connect", "net", "one")
    assert "tbf" not in queue_inside(docker, "one", "eth1")


def test_rates_hold_over_restarts(make_engine: MakeEngine) -> None:
    engine = make_engine()
    docker = Docker(engine)
    docker.out("network", "create", "net")
    run(docker, "one", "net", BOTH)
    engine.kill()
    engine.start()
    assert "rate 10Mbit" in queue_inside(docker, "one")
    assert "rate 4Mbit" in queue_outside(docker, "one")
    docker.out("restart", "-t", "0", "one")
    assert "rate 10Mbit" in queue_inside(docker, "one")
    assert "rate 4Mbit" in queue_outside(docker, "one")


@pytest.mark.parametrize(
    ("option", "refusal"),
    [
        ("egress_rate=fast", "failed to parse weft.egress_rate value: fast"),
        ("egress_rate=1kbit", "a rate is from 8kbit to 100gbit"),
        ("ingress_rate=200gbit", "a rate is from 8kbit to 100gbit"),
        ("egress_rate=-1mbit", "failed to parse weft.egress_rate value: -1mbit"),
        ("delay=2h", "a time is a number and one of s, ms, us"),
        ("delay=90s", "a delay is from 1us to 60s"),
        ("jitter=5ms", "is more than the delay"),
        ("loss=1", "a loss is from 0.0001% to 100%"),
        ("loss=101%", "a loss is from 0.0001% to 100%"),
        ("speed=1mbit", "does not know the option weft.speed"),
    ],
)
def test_refusals(docker: Docker, option: str, refusal: str) -> None:
    docker.out("network", "create", "net")
    flags = ("--network", f"name=net,driver-opt=weft.{option}")
    assert refusal in docker.fails("create", "--name", "one", *flags, "busybox")
    docker.out("create", "--name", "two", "busybox")
    assert refusal in docker.fails("network", "connect", "--driver-opt", f"weft.{option}", "net", "two")
    assert docker.lines("ps", "-a", "--format", "{{.Names}}") == ["two"]


@pytest.mark.parametrize("network", ["host", "none"])
def test_no_rates_without_an_interface(docker: Docker, network: str) -> None:
    flags = ("--network", f"name={network},driver-opt=weft.egress_rate=1mbit")
    assert "interface of its own" in docker.fails("create", *flags, "busybox")


def netem(host: Host) -> bool:
    """Whether the kernel has it, tried on the throw-away host's loopback."""
    done = host.run(["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1us"], check=False)
    if done.returncode == 0:
        host.run(["tc", "qdisc", "del", "dev", "lo", "root"])
    return done.returncode == 0


def test_delay_and_loss(docker: Docker) -> None:
    """In the token bucket where there is one; a kernel without netem is told which option would bring it."""
    docker.out("network", "create", "net")
    options = "driver-opt=weft.delay=20ms,driver-opt=weft.jitter=2ms,driver-opt=weft.loss=1%"
    if netem(docker.engine.host):
        run(docker, "one", "net", options)
        assert re.search(r"netem 10: root .*delay 20ms +2ms loss 1%", queue_inside(docker, "one"))
        run(docker, "two", "net", f"{options},driver-opt=weft.egress_rate=10mbit")
        shown = queue_inside(docker, "two")
        assert re.search(r"tbf 1: root .*rate 10Mbit", shown)
        assert re.search(r"netem 10: parent 1:1 .*delay 20ms +2ms loss 1%", shown)
        return
    for more in ("", ",driver-opt=weft.egress_rate=10mbit"):
        refusal = docker.fails("run", "-d", "--name", "one", "--network", f"name=net,{options}{more}", "busybox", "top")
        assert "CONFIG_NET_SCH_NETEM" in refusal
        assert docker.inspect("network", "net")["Containers"] == {}
        docker.out("rm", "one")
