"""docs/drivers/macvlan.md, typed as it stands; what needs 802.1q once more in tests/vm, where the kernel has it."""

from __future__ import annotations

import pytest

from rig.engine import WeftEngine
from rig.host import Host
from rig.link import link
from rig.pages import DOCS
from rig.reader import Reader

pytestmark = pytest.mark.weft_only("options of Docker 28, and weft's own")
ADDRESSES = ("192.168.32.254/24", "192.168.216.1/24", "192.168.218.1/24", "2001:db8:abc8::10/64")


def test_every_command() -> None:
    with Host("engine") as host, Host("neighbour") as neighbour:
        cable = link(host, neighbour)
        for address in ADDRESSES:
            flags = ["nodad"] if ":" in address else []
            neighbour.run(["ip", "addr", "add", address, "dev", cable.interfaces[1], *flags])
        engine = WeftEngine(host)
        engine.start()
        assert engine.api.post("/images/create?fromImage=busybox&tag=latest").status == 200
        with Reader(engine, DOCS / "drivers" / "macvlan.md") as reader:
            follow(reader, neighbour)


def follow(reader: Reader, neighbour: Host) -> None:
    """Type the page and see what it claims."""
    reader.type("weft network create -d macvlan")
    reader.type("weft run -d --name web --network macnet32")
    given = reader.inspect("web")["macnet32"]
    assert given["IPAddress"] == "192.168.32.128"  # the first of the range; .129 is the router's
    reader.does("weft exec web ping -c 1 192.168.32.254")
    neighbour.run(["ping", "-c", "1", "-W", "2", given["IPAddress"]])

    reader.type("weft network create -d macvlan --ipv6")
    reader.type("weft run -d --network macvlan216")
    for address in ("192.168.218.10", "2001:db8:abc8::20"):
        neighbour.run(["ping", "-c", "1", "-W", "3", address])

    if reader.shell("ip link add link eth0 name probe type vlan id 7 && ip link delete probe").returncode == 0:
        reader.type("weft network create -d macvlan --subnet=192.168.50.0/24")
    else:
        assert "CONFIG_VLAN_8021Q" in reader.fails("weft network create -d macvlan --subnet=192.168.50.0/24")

    reader.type("weft network create -d macvlan --subnet=10.20.0.0/24")
    reader.does("weft run -d --name first --network alone busybox sleep 1000")
    reader.does("weft run --rm --network alone busybox ping -c 1 first")

    reader.type("weft network create -d macvlan --subnet=192.168.33.0/24")
    reader.type("weft run -d --name box")
    reader.type("ping -c 1 192.168.33.130")
    reader.does("weft exec box ping -c 1 192.168.33.200")
