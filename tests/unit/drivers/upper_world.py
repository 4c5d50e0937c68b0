"""Records and a host for the tests of macvlan and ipvlan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from weft.model.network import NetworkRecord, NetworkSpec, Pool

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@dataclass(frozen=True)
class Link:
    """An interface of the host."""

    name: str
    index: int = 2
    kind: str = ""
    up: bool = True
    alias: str = ""
    master: int = 0
    lower: int = 0
    addresses: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What the host has."""

    links: tuple[Link, ...] = (Link("eth0"),)
    routes: tuple[Any, ...] = ()

    def routes_of(self, link: int) -> tuple[Any, ...]:
        return self.routes if link == 3 else ()

    def link(self, name: str) -> Link | None:
        return next((each for each in self.links if each.name == name), None)


def network(
    network_id: str = A,
    driver: str = "macvlan",
    *pools: Pool,
    internal: bool = False,
    ipv6: bool = False,
    **options: str,
) -> NetworkRecord:
    spec = NetworkSpec(name=network_id[:1], driver=driver, internal=internal, ipv6=ipv6, options=options)
    return NetworkRecord(id=network_id, created=0, spec=spec, pools=pools or (pool("10.1.0.0/24"),))


def pool(subnet: str, ip_range: str = "", gateway: str = "", aux: Mapping[str, str] | None = None) -> Pool:
    return Pool(
        subnet=ip_network(subnet),
        ip_range=ip_network(ip_range) if ip_range else None,
        gateway=ip_address(gateway) if gateway else None,
        aux_addresses={name: ip_address(address) for name, address in (aux or {}).items()},
    )
