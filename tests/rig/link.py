"""Cables between throw-away hosts."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from ipaddress import ip_network

from rig.host import Host


@dataclass(frozen=True)
class Link:
    """One cable: the interface names and addresses at both ends, by address family version."""

    interfaces: tuple[str, str]
    addresses: dict[int, tuple[str, str]]


def link(a: Host, b: Host, *subnets: str) -> Link:
    """Join two hosts by a veth pair; in each subnet `a` has the first address and `b` the second."""
    names = _next_interface(a), _next_interface(b)
    # `ip` runs outside their process namespaces, so that b's process id means something to it.
    _ip(a, "link", "add", names[0], "type", "veth", "peer", "name", names[1], "netns", str(b.pid))
    addresses: dict[int, tuple[str, str]] = {}
    for subnet in map(ip_network, subnets):
        ends = str(subnet[1]), str(subnet[2])
        for host, name, address in zip((a, b), names, ends, strict=True):
            # Without duplicate address detection the address works from the first packet on.
            flags = ["nodad"] if subnet.version == 6 else []
            _ip(host, "addr", "add", f"{address}/{subnet.prefixlen}", "dev", name, *flags)
        addresses[subnet.version] = ends
    for host, name in zip((a, b), names, strict=True):
        _ip(host, "link", "set", name, "up")
    return Link(names, addresses)


def _next_interface(host: Host) -> str:
    name = f"eth{host.links}"
    host.links += 1
    return name


def _ip(host: Host, *arguments: str) -> None:
    subprocess.run(["nsenter", f"--net=/proc/{host.pid}/ns/net", "ip", *arguments], check=True)
