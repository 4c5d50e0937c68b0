"""The bridge driver's plans over the option matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from golden import DIRECTORY, check
from weft.drivers.bridge import BridgeDriver
from weft.drivers.predefined import bridge_spec
from weft.ipam.resolve import resolve_pools
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.network import NetworkRecord, NetworkSpec, PoolSpec
from weft.plan.plan import Plan

NETWORK, ENDPOINT = "0123456789abcdef" * 4, "fedcba9876543210" * 4
BRIDGE = "com.docker.network.bridge."


@dataclass(frozen=True)
class Link:
    """An interface of the host."""

    kind: str = "bridge"
    alias: str = ""
    up: bool = True
    addresses: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Case:
    """A network, an endpoint on it, and what the host has already."""

    subnets: tuple[str, ...] = ("10.1.0.0/24",)
    options: Mapping[str, str] = field(default_factory=dict)
    internal: bool = False
    links: Mapping[str, Link] = field(default_factory=dict)
    endpoint: EndpointSpec = field(default_factory=EndpointSpec)
    spec: NetworkSpec | None = None

    def link(self, name: str) -> Link | None:
        return self.links.get(name)

    def link_names(self) -> tuple[str, ...]:
        return tuple(self.links)

    @property
    def network(self) -> NetworkSpec:
        return self.spec or NetworkSpec(
            name="n",
            ipv4=any("." in subnet for subnet in self.subnets),
            ipv6=any(":" in subnet for subnet in self.subnets),
            internal=self.internal,
            pools=tuple(PoolSpec(subnet=ip_network(subnet)) for subnet in self.subnets),
            options=self.options,
        )


OURS = Link(
    alias=NETWORK, addresses=(ip_interface("10.1.0.1/24"), ip_interface("fd01::1/64"), ip_interface("fe80::1/64"))
)
STALE = Link(alias=NETWORK, addresses=(ip_interface("10.9.0.1/24"), ip_interface("fe80::1/64")))
DUAL = ("10.1.0.0/24", "fd01::/64")
CASES = {
    "ipv4": Case(),
    "ipv6": Case(subnets=("fd01::/64",)),
    "dual_stack": Case(subnets=DUAL),
    "docker0": Case(spec=bridge_spec(mtu=1400, icc=False)),
    "internal": Case(subnets=DUAL, internal=True),
    "isolated": Case(
        subnets=DUAL,
        internal=True,
        options={BRIDGE + "gateway_mode_ipv4": "isolated", BRIDGE + "gateway_mode_ipv6": "isolated"},
    ),
    "routed": Case(
        subnets=DUAL,
        options={BRIDGE + "gateway_mode_ipv4": "routed", BRIDGE + "gateway_mode_ipv6": "nat-unprotected"},
    ),
    "trusted_and_quiet": Case(
        options={
            BRIDGE + "trusted_host_interfaces": "eth1:eth2",
            "com.docker.network.advertise_addr_nmsgs": "0",
            "weft.publish": "lan",
        }
    ),
    "inhibit_ipv4": Case(subnets=DUAL, options={BRIDGE + "inhibit_ipv4": "1"}),
    "named_bridge_and_prefix": Case(
        options={
            BRIDGE + "name": "wan.0",
            BRIDGE + "enable_icc": "false",
            "com.docker.network.container_iface_prefix": "net",
            "com.docker.network.driver.mtu": "9000",
        }
    ),
    "endpoint_options": Case(
        subnets=DUAL,
        endpoint=EndpointSpec(
            link_local=(ip_address("169.254.3.4"), ip_address("fe80::9")),
            driver_options={
                "com.docker.network.endpoint.ifname": "lan0",
                "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1,"
                "net.ipv6.conf.ifname.mtu=1300",
            },
        ),
    ),
    "bridge_is_there": Case(subnets=DUAL, links={"br-0123456789ab": OURS}),
    "bridge_has_other_addresses": Case(subnets=DUAL, links={"br-0123456789ab": STALE}),
    "bridge_left_without_alias": Case(links={"br-0123456789ab": Link()}),
    "bridge_of_somebody_else": Case(
        options={BRIDGE + "name": "mine"}, links={"mine": Link(addresses=(ip_interface("10.9.0.1/24"),))}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_network_s_life(name: str) -> None:
    case, driver = CASES[name], BridgeDriver()
    driver.validate(case.network)
    pools = resolve_pools(case.network, host_id="", without_gateway=driver.without_gateway(case.network))
    record = NetworkRecord(id=NETWORK, created=0, spec=case.network, pools=pools)
    endpoint = _endpoint(driver, record, case.endpoint)
    parts = {
        "segment": repr(driver.segment(record)),
        "create network": _lines(driver.create_network(record, case)),
        "attach": _lines(driver.attach(record, endpoint, "box", case.endpoint)),
        "gateway": _lines(driver.gateway(record, endpoint, "box")),
        "detach": _lines(driver.detach(record, endpoint)),
        "delete network": _lines(driver.delete_network(record, case)),
        "undo create": _lines(driver.create_network(record, case).inverse),
    }
    check(f"plans/{name}.txt", "".join(f"# {title}\n{text}\n\n" for title, text in parts.items()))


def test_every_file_belongs_to_a_case() -> None:
    assert {path.stem for path in (DIRECTORY / "plans").iterdir()} == CASES.keys()


def _endpoint(driver: BridgeDriver, record: NetworkRecord, spec: EndpointSpec) -> Endpoint:
    hops = driver.gateways(record)
    pools = {pool.subnet.version: pool.subnet for pool in record.pools}
    return Endpoint(
        id=ENDPOINT,
        network_id=NETWORK,
        ipv4=ip_interface(f"{pools[4][2]}/{pools[4].prefixlen}") if 4 in pools else None,  # type: ignore[arg-type]
        ipv6=ip_interface(f"{pools[6][2]}/{pools[6].prefixlen}") if 6 in pools else None,  # type: ignore[arg-type]
        gateway_ipv4=hops[0],
        gateway_ipv6=hops[1],
        mac_address="02:00:00:00:00:01",
        host_link=driver.host_link(ENDPOINT),
        sandbox_link=driver.sandbox_link(record, spec, ()),
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
