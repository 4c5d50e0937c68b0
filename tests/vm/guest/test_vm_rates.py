"""Delay, jitter and loss on a kernel that has netem, alone and below a rate."""

from __future__ import annotations

import re

from rig.docker import Docker
from rig.engine import Engine

DISTURBED = "driver-opt=weft.delay=20ms,driver-opt=weft.jitter=2ms,driver-opt=weft.loss=1%"


def queue(docker: Docker, engine: Engine, name: str) -> str:
    """What the container's end of its endpoint sends by."""
    pid = docker.inspect(name)["State"]["Pid"]
    return engine.host.output("nsenter", f"--net=/proc/{pid}/ns/net", "tc", "qdisc", "show", "dev", "eth0")


def round_trips(docker: Docker, target: str) -> list[float]:
    """Milliseconds of each of ten answered echoes."""
    shown = docker.out("exec", "one", "ping", "-c", "10", "-i", "0.1", target)
    return [float(found) for found in re.findall(r"time=([\d.]+) ms", shown)]


def test_delay_and_loss_alone_and_below_a_rate(docker: Docker, engine: Engine) -> None:
    docker.out("network", "create", "net")
    gateway = docker.inspect("network", "net")["IPAM"]["Config"][0]["Gateway"]
    for options in (DISTURBED, f"{DISTURBED},driver-opt=weft.egress_rate=10mbit"):
        docker.out("run", "-d", "--name", "one", "--network", f"name=net,{options}", "busybox", "top")
        shown = queue(docker, engine, "one")
        place = "parent 1:1" if "rate" in options else "root"
        assert re.search(rf"qdisc netem 10: {place} .*delay 20ms +2ms loss 1%", shown)
        assert ("qdisc tbf 1: root" in shown) == ("rate" in options)
        assert min(round_trips(docker, gateway)) >= 17.9  # never sooner; later is the machine's affair
        docker.out("rm", "-f", "one")


def test_all_is_lost_when_all_is_to_be_lost(docker: Docker) -> None:
    docker.out("network", "create", "net")
    gateway = docker.inspect("network", "net")["IPAM"]["Config"][0]["Gateway"]
    flags = ("--network", "name=net,driver-opt=weft.loss=100%")
    docker.out("run", "-d", "--name", "one", *flags, "busybox", "top")
    done = docker("exec", "one", "ping", "-c", "2", "-W", "1", gateway)
    assert "0 packets received" in done.stdout
