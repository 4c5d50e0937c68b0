"""docs/drivers/dhcp.md, typed as it stands."""

from __future__ import annotations

import re
import shutil

import pytest

from rig.engine import WeftEngine
from rig.eventually import eventually
from rig.host import Host
from rig.link import link
from rig.pages import DOCS
from rig.reader import Reader

pytestmark = [
    pytest.mark.weft_only("Docker has no DHCP IPAM driver"),
    pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed"),
]
LEASED = r"10\.88\.0\.[5-9]\d"


def serve(router: Host, interface: str) -> None:
    """A DHCP server on the router's end of the wire."""
    log = router.directory / "dnsmasq.log"
    router.start(
        [
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--no-ping",
            "--user=root", "--log-dhcp", "--log-facility=-", f"--interface={interface}", "--bind-interfaces",
            "--dhcp-range=10.88.0.50,10.88.0.99,255.255.255.0,120s", "--pid-file=", "--dhcp-authoritative",
            f"--dhcp-leasefile={router.directory}/leases", "--dhcp-option=option:router,10.88.0.1",
        ],
        log=log,
    )  # fmt: skip
    eventually(lambda: "DHCP, IP range" in log.read_text())


def test_every_command() -> None:
    with Host("engine") as host, Host("router") as router:
        cable = link(host, router)
        router.run(["ip", "addr", "add", "10.88.0.1/24", "dev", cable.interfaces[1]])
        serve(router, cable.interfaces[1])
        engine = WeftEngine(host)
        engine.start()
        assert engine.api.post("/images/create?fromImage=busybox&tag=latest").status == 200
        with Reader(engine, DOCS / "drivers" / "dhcp.md") as reader:
            reader.type("docker network create -d macvlan")
            reader.type("docker run -d --name web")
            assert re.fullmatch(LEASED, reader.type("docker inspect --format"))
            assert "1 packets received" in reader.does("docker exec web ping -c 1 10.88.0.1")
            reader.does("docker rm -f web && docker network rm lan")
            reader.does("ip link add br-lan type bridge && ip link set br-lan up && ip link set eth0 master br-lan")
            reader.type("docker network create --ipam-driver dhcp")
            reader.does("docker run -d --name box --network lan busybox sleep 1000")
            assert re.fullmatch(LEASED, reader.inspect("box")["lan"]["IPAddress"])
            reader.does("docker rm -f box && docker network rm lan && ip link show br-lan")
