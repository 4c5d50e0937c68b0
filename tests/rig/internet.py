"""A small internet: a host beyond the default route that has names, a web server and an address to ping."""

from __future__ import annotations

import json
import sys
import time
from ipaddress import ip_network
from pathlib import Path

from rig.host import Host
from rig.link import link

GOOGLE = "142.250.74.46"
GOOGLE6 = "2a00:1450:4001:82a::200e"
RESOLVER = "8.8.8.8"
RESOLVER6 = "2001:4860:4860::8888"
ZONE: dict[str, dict[str, list[str]]] = {
    "google.com": {"A": [GOOGLE], "AAAA": [GOOGLE6]},
    "four.example.com": {"A": [GOOGLE]},
    "text.example.com": {"TXT": ["some text"]},
    "large.example.com": {"A": [f"203.0.113.{last}" for last in range(1, 101)]},
    "46.74.250.142.in-addr.arpa": {"PTR": ["google.com"]},
}
_ADDRESSES = [GOOGLE, RESOLVER, GOOGLE6, RESOLVER6]


class Internet:
    """Hosts attached to it get a default route; it has no route back to what they hide behind their own address."""

    def __init__(self) -> None:
        self.host = Host("internet")
        # One a host that was ever attached: a cable that is still leaving shares its subnet with no other.
        self._cables = zip(
            ip_network("198.18.0.0/15").subnets(new_prefix=30),
            ip_network("2001:db8:ff::/48").subnets(new_prefix=64),
            strict=False,
        )
        for address in _ADDRESSES:
            size = 128 if ":" in address else 32
            # what is tentative, though for a moment, cannot be bound
            nodad = ["nodad"] if ":" in address else []
            self.host.run(["ip", "addr", "add", f"{address}/{size}", "dev", "lo", *nodad])
        script = Path(__file__).with_name("internet_services.py")
        log = self.host.directory / "services.log"
        daemon = self.host.start([sys.executable, "-I", script, json.dumps(ZONE), json.dumps(_ADDRESSES)], log=log)
        while "ready" not in log.read_text():
            if not daemon.running:
                raise RuntimeError(f"the small internet did not start: {log.read_text()}")
            time.sleep(0.01)

    def attach(self, host: Host) -> tuple[str, str]:
        """Give `host` a cable to the internet, default routes and a name server; returns its outer addresses (4, 6)."""
        cable = link(self.host, host, *map(str, next(self._cables)))
        for version in (4, 6):
            host.run(["ip", f"-{version}", "route", "add", "default", "via", cable.addresses[version][0]])
        (host.directory / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
        return cable.addresses[4][1], cable.addresses[6][1]

    def close(self) -> None:
        """End it."""
        self.host.close()
