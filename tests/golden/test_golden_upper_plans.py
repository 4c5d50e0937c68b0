"""The macvlan and ipvlan drivers' plans over the option matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from golden import DIRECTORY, check
from weft.drivers.ipvlan import IpvlanDriver
from weft.drivers.macvlan import MacvlanDriver
from weft.drivers.parented import ParentedDriver
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.network import NetworkRecord, NetworkSpec, Pool
from weft.plan.plan import Plan

NETWORK, ENDPOINT = "0123456789abcdef" * 4, "fedcba9876543210" * 4
MTU = "com.docker.network.driver.mtu"


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
class Case:
    """A network, an endpoint on it, and what the host has already."""

    driver: ParentedDriver
    options: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[Pool, ...] = (Pool(subnet=ip_network("10.1.0.0/24"), gateway=ip_address("10.1.0.1")),)
    internal: bool = False
    links: tuple[Link, ...] = (Link("eth0"),)
    routes: tuple[Any, ...] = ()

    def link(self, name: str) -> Link | None:
        return next((each for each in self.links if each.name == name), None)


IPV6 = Pool(subnet=ip_network("fd01::/64"), gateway=ip_address("fd01::1"))
DUAL = (*Case(MacvlanDriver()).pools, IPV6)
NO_GATEWAY = (Pool(subnet=ip_network("10.1.0.0/24")),)
RANGED = (
    Pool(
        subnet=ip_network("10.1.0.0/24"),
        ip_range=ip_network("10.1.0.128/25"),
        gateway=ip_address("10.1.0.1"),
        aux_addresses={"host_access": ip_address("10.1.0.128")},
    ),
    Pool(subnet=ip_network("fd01::/64"), aux_addresses={"host_access": ip_address("fd01::1")}),
)
TRUNK = (Link("eth0"), Link("eth0.50", 3, "vlan", alias=NETWORK, lower=2))
MAC, IP = MacvlanDriver(), IpvlanDriver()
CASES = {
    "macvlan": Case(MAC, {"parent": "eth0"}),
    "macvlan_dual_stack": Case(MAC, {"parent": "eth0", "macvlan_mode": "private", MTU: "1400"}, DUAL),
    "macvlan_no_gateway": Case(MAC, {"parent": "eth0", "macvlan_mode": "vepa"}, NO_GATEWAY),
    "macvlan_passthru": Case(MAC, {"parent": "eth0", "macvlan_mode": "passthru"}),
    "macvlan_no_parent": Case(MAC),
    "macvlan_internal": Case(MAC, {"parent": "eth0"}, internal=True),
    "macvlan_trunk": Case(MAC, {"parent": "eth0.50"}),
    "macvlan_trunk_is_there": Case(MAC, {"parent": "eth0.50"}, links=TRUNK),
    "macvlan_host_access": Case(MAC, {"parent": "eth0", "host_access": "true"}, RANGED),
    "ipvlan": Case(IP, {"parent": "eth0"}),
    "ipvlan_l3": Case(IP, {"parent": "eth0", "ipvlan_mode": "l3"}, DUAL),
    "ipvlan_l3s_private": Case(IP, {"parent": "eth0", "ipvlan_mode": "l3s", "ipvlan_flag": "private"}),
    "ipvlan_l3_no_parent": Case(IP, {"ipvlan_mode": "l3"}),
    "ipvlan_trunk": Case(IP, {"parent": "eth0.50"}, DUAL),
}


@pytest.mark.parametrize("name", CASES)
def test_a_network_s_life(name: str) -> None:
    case = CASES[name]
    driver = case.driver
    ipv6 = any(pool.subnet.version == 6 for pool in case.pools)
    spec = NetworkSpec(name="n", driver=driver.name, ipv6=ipv6, internal=case.internal, options=case.options)
    driver.validate(spec)
    record = NetworkRecord(id=NETWORK, created=0, spec=spec, pools=case.pools)
    endpoint = _endpoint(driver, record)
    parts = {
        "create network": _lines(driver.create_network(record, case)),
        "attach": _lines(driver.attach(record, endpoint, "box", EndpointSpec())),
        "gateway": _lines(driver.gateway(record, endpoint, "box")),
        "leave": _lines(driver.leave(record, endpoint, "box")),
        "delete network": _lines(driver.delete_network(record, case) + driver.release_parent(record, [record], case)),
        "undo create": _lines(driver.create_network(record, case).inverse),
    }
    check(f"upper_plans/{name}.txt", "".join(f"# {title}\n{text}\n\n" for title, text in parts.items()))


def test_every_file_belongs_to_a_case() -> None:
    assert {path.stem for path in (DIRECTORY / "upper_plans").iterdir()} == CASES.keys()


def _endpoint(driver: ParentedDriver, record: NetworkRecord) -> Endpoint:
    hops = driver.gateways(record)
    ipv6 = record.pool_of(6) is not None
    return Endpoint(
        id=ENDPOINT,
        network_id=NETWORK,
        ipv4=ip_interface("10.1.0.2/24"),  # type: ignore[arg-type]
        ipv6=ip_interface("fd01::2/64") if ipv6 else None,  # type: ignore[arg-type]
        gateway_ipv4=hops[0],
        gateway_ipv6=hops[1],
        mac_address="" if driver.shares_mac(record.spec) else "02:42:0a:01:00:02",
        sandbox_link=driver.sandbox_link(record, EndpointSpec(), ()),
        by_link=driver.leaves_by_link(record.spec),
    )


def _lines(plan: Plan) -> str:
    return "\n".join(map(_line, plan)) or "nothing"


def _line(operation: Any) -> str:
    """One operation in words, what has its default left out."""
    words = [type(operation).__name__]
    for each in fields(operation):
        value = getattr(operation, each.name)
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        if value != default:
            words.append(f"{each.name}={value}")
    return " ".join(words)
