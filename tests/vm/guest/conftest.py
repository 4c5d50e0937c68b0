"""Inside the machine: one engine, one cable and one CLI serve all tests; there is no registry and no internet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from rig.docker import CLIS, Docker
from rig.engine import Engine, WeftEngine
from rig.host import Host
from rig.inside import Inside
from rig.link import Link, link
from vm.guest.echo import echo
from vm.outside import REPORTS


@pytest.fixture(scope="session", autouse=True)
def modules() -> None:
    """What the kernel would load by itself for a machine's first namespace."""
    assert REPORTS in os.environ, "these tests run in a virtual machine: see tests/vm/conftest.py"


@dataclass(frozen=True)
class Lan:
    """The engine's host, a neighbour, and the cable between them."""

    engine: Engine
    neighbour: Host
    cable: Link

    @property
    def parent(self) -> str:
        """The interface at the engine's end."""
        return self.cable.interfaces[0]


@pytest.fixture(scope="session")
def lan() -> Iterator[Lan]:
    """An engine's host with `eth0` on a cable to a neighbour, 10.9.0.1 and 10.9.0.2."""
    with Host("engine") as host, Host("neighbour") as neighbour:
        cable = link(host, neighbour, "10.9.0.0/24", "2001:db8:9::/64")
        engine = WeftEngine(host)
        engine.start()
        assert engine.api.post("/images/create?fromImage=busybox&tag=latest").status == 200
        # a router, as networks have one, that answers for an address only where it is
        neighbour.run(["sysctl", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.arp_ignore=1"])
        echo(neighbour)
        yield Lan(engine, neighbour, cable)


@pytest.fixture(scope="session")
def shared_engine(lan: Lan) -> Engine:
    """The one engine."""
    return lan.engine


@pytest.fixture
def docker(engine: Engine) -> Docker:
    """The newest CLI: each costs time here."""
    return Docker(engine, CLIS[0])


@pytest.fixture
def neighbour(lan: Lan) -> Host:
    """The host at the other end of the engine's cable."""
    return lan.neighbour


@pytest.fixture
def on_cable(neighbour: Host) -> Iterator[Callable[..., None]]:
    """`on_cable("10.1.0.9/24", vlan=50)`: give the neighbour an address on its end, or on that VLAN of it."""
    (cable,) = neighbour.output("sh", "-c", "cd /sys/class/net; echo eth*").split()[:1]
    made: list[list[str]] = []

    def give(address: str, vlan: int = 0) -> None:
        device = f"{cable}.{vlan}" if vlan else cable
        if vlan and not neighbour.path(f"/sys/class/net/{device}").exists():
            neighbour.run(["ip", "link", "add", "link", cable, "name", device, "type", "vlan", "id", str(vlan)])
            neighbour.run(["ip", "link", "set", device, "up"])
            made.append(["ip", "link", "del", device])
        neighbour.run(["ip", "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else [])])
        if not vlan:
            made.append(["ip", "addr", "del", address, "dev", device])

    yield give
    for command in reversed(made):
        neighbour.run(command)


@pytest.fixture
def place(docker: Docker, engine: Engine) -> Callable[..., Inside]:
    """`place("a", "net", "--ip", "…")`: a container with an echo service; the value is its inside."""

    def run(name: str, network: str, *flags: str) -> Inside:
        docker.out("run", "-d", "--name", name, "--network", network, *flags, "busybox", "sleep", "9999")
        inside = Inside(engine, name)
        echo(inside)
        return inside

    return run
