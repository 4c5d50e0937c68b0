#!/usr/bin/env python3
"""A network driver: every container has a cable of its own to the host, which routes (no bridge).

python3 ptp.py &
docker network create -d ptp wires
docker run --network wires …
"""

import subprocess
import sys
from pathlib import Path

from weft.plugins.sdk import Endpoint, Interface, Join, Network, NetworkDriver, Route, serve


def ip(*words: str) -> None:
    """Run ip(8); its complaint becomes the plugin's error."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def names(endpoint: Endpoint) -> tuple[str, str]:
    """Return the cable's two ends: the host's, and the one that goes into the container."""
    return f"ptp{endpoint.id[:10]}", f"ptq{endpoint.id[:10]}"


class PointToPoint(NetworkDriver):
    """Remembers the host's address of each network, which all its cables share."""

    def __init__(self) -> None:
        self.gateways: dict[str, str] = {}

    def create_network(self, network: Network) -> None:
        if not network.ipv4:
            raise ValueError("ptp needs an IPv4 subnet")
        self.gateways[network.id] = network.ipv4[0].gateway.partition("/")[0]

    def delete_network(self, network_id: str) -> None:
        self.gateways.pop(network_id, None)

    def create_endpoint(self, endpoint: Endpoint) -> Interface | None:
        near, far = names(endpoint)
        ip("link", "add", near, "type", "veth", "peer", "name", far)
        ip("link", "set", near, "up")
        Path(f"/proc/sys/net/ipv4/conf/{near}/proxy_arp").write_text("1")  # neighbours are asked for on the cable
        ip("address", "add", f"{self.gateways[endpoint.network_id]}/32", "dev", near)
        ip("route", "add", f"{endpoint.interface.address.partition('/')[0]}/32", "dev", near)
        return None

    def join(self, endpoint: Endpoint) -> Join:
        gateway = self.gateways[endpoint.network_id]
        return Join(source=names(endpoint)[1], gateway=gateway, routes=[Route(f"{gateway}/32")])

    def delete_endpoint(self, endpoint: Endpoint) -> None:
        ip("link", "delete", names(endpoint)[0])


if __name__ == "__main__":
    serve(PointToPoint(), name="ptp", socket=sys.argv[1] if len(sys.argv) > 1 else "")
