"""docs/drivers/ipvlan.md, typed as it stands, and what docs/drivers/macvlan.md says of VLANs."""

from __future__ import annotations

from collections.abc import Callable

from rig.docker import Docker
from rig.engine import Engine
from rig.host import Host
from rig.pages import DOCS, commands
from rig.reader import Reader


def test_ipvlan(docker: Docker, engine: Engine, neighbour: Host) -> None:
    with Reader(engine, DOCS / "drivers" / "ipvlan.md") as reader:
        reader.type("weft network create -d ipvlan")
        reader.type("weft run -d --name web --network lan")
        neighbour.run(["ping", "-c", "1", "-W", "3", reader.inspect("web")["lan"]["IPAddress"]])
        reader.does("docker rm -f web && docker network rm lan")

        reader.type("weft network create -d ipvlan")
        for name, address in (("first", "192.168.210.10"), ("second", "192.168.212.10")):
            reader.does(f"docker run -d --name {name} --network ipvlan210 --ip {address} busybox sleep 1000")
            assert reader.inspect(name)["ipvlan210"]["IPAddress"] == address
        reader.does("docker run --rm --network ipvlan210 --ip 192.168.210.11 busybox ping -c 1 first")
        reader.does("docker rm -f first second")

        reader.type("weft network create -d ipvlan")
        reader.does("docker run -d --name first --network routed --ip 10.61.0.5 busybox sleep 1000")
        reader.does("docker run --rm --network routed --ip 10.62.0.5 busybox ping -c 1 10.61.0.5")
        neighbour.run(["ip", "route", "add", "10.61.0.0/24", "via", "10.9.0.1"])  # as the page says
        neighbour.run(["ping", "-c", "1", "-W", "3", "10.61.0.5"])
        neighbour.run(["ip", "route", "del", "10.61.0.0/24"])


def test_a_vlan_of_macvlan(docker: Docker, engine: Engine, on_cable: Callable[..., None]) -> None:
    page = DOCS / "drivers" / "macvlan.md"
    with Reader(engine, page) as reader:
        reader.left = [command for command in commands(page) if "parent=eth0.50" in command.text]
        on_cable("192.168.50.1/24", vlan=50)
        reader.type("weft network create -d macvlan")
        assert engine.host.path("/sys/class/net/eth0.50").exists()
        reader.does("docker run --rm --network macvlan50 busybox ping -c 1 192.168.50.1")
        reader.does("docker network rm macvlan50")
        assert not engine.host.path("/sys/class/net/eth0.50").exists()
