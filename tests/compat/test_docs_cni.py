"""docs/drivers/cni.md, typed as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from rig.engine import MakeEngine
from rig.host import Host
from rig.pages import DOCS
from rig.reader import Reader

pytestmark = [
    pytest.mark.weft_only("Docker has no CNI driver"),
    pytest.mark.skipif(not Path("/usr/lib/cni/bridge").exists(), reason="containernetworking-plugins is not installed"),
]


OWN = """set -e
for each in etc var/lib; do
    mkdir -p "$0/upper/$each" "$0/work/$each"
    mount -t overlay -o "lowerdir=/$each,upperdir=$0/upper/$each,workdir=$0/work/$each" overlay "/$each"
done
mount --bind "$0/resolv.conf" /etc/resolv.conf
"""


def own_directories(host: Host) -> None:
    """Give the host an /etc and a /var/lib of its own: what the page writes is not for this machine."""
    host.run(["sh", "-c", OWN, host.directory])


def test_every_command(make_engine: MakeEngine) -> None:
    engine = make_engine()
    own_directories(engine.host)
    with Reader(engine, DOCS / "drivers" / "cni.md") as reader:
        reader.type("mkdir -p /etc/cni/net.d")
        reader.type("cat > /etc/cni/net.d/blue.conflist")
        reader.type("docker network create")
        reader.type("docker run -d --name web")
        assert "1 packets received" in reader.type("docker run --rm")
        reader.does("docker exec web touch /index.html")
        reader.does("busybox wget -qO- http://10.66.0.1:8080/")
        assert reader.inspect("web")["blue"]["IPAddress"].startswith("10.66.0.")
        reader.does("docker rm -f web && docker network rm blue")
        reader.does("ip link delete cni-blue")  # it stays, and the page says how it goes
