"""The table's text over the option matrix. tests/netns/firewall loads each of these files."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from golden import DIRECTORY, check
from weft.firewall.publication import Publication, Way
from weft.firewall.table import base_ruleset, desired_state, render
from weft.model.exposure import parse_exposure
from weft.model.mark import Mark
from weft.model.port import Protocol
from weft.model.segment import Segment

V4, V6 = ("10.1.0.0/24",), ("fd01::/64",)


def segment(subnets: tuple[str, ...] = V4 + V6, bridge: str = "br-1", **rest: Any) -> Segment:
    return Segment(network_id="1" * 64, bridge=bridge, subnets=tuple(map(ip_network, subnets)), **rest)


def published(
    host: str,
    host_port: int,
    address: str,
    port: int,
    protocol: str = "tcp",
    *,
    direct: bool = False,
    exposure: str = "open",
) -> Publication:
    policy = parse_exposure(exposure)
    return Publication(Protocol(protocol), ip_address(host), host_port, ip_address(address), port, direct, policy)


TARGETS = {4: "10.1.0.2", 6: "fd01::2"}
PORTS = [
    published(host, 8000, TARGETS[ip_address(host).version], 80, protocol)
    for host in ("0.0.0.0", "::", "127.0.0.1", "192.0.2.1", "2001:db8::1")
    for protocol in ("tcp", "udp", "sctp")
]
RUN = [
    published(host, number, TARGETS[ip_address(host).version], number)
    for host in ("0.0.0.0", "::", "192.0.2.1", "2001:db8::1")
    for number in range(9000, 9064)
]
RELAYED = [
    Publication(Protocol.TCP, ip_address(host), number, ip_address(host), number, way=way)
    for way, host in ((Way.RELAYED, "::"), (Way.RELAYED_HERE, "::"), (Way.RELAYED, "::1"), (Way.RELAYED, "2001:db8::1"))
    for number in (80, *range(9000, 9064), 9065)
]
ROUTED = [
    published(host, 0, TARGETS[version], port, protocol, direct=True)
    for version, host in ((4, "0.0.0.0"), (6, "::"))
    for port, protocol in ((80, "tcp"), (53, "udp"))
]
POLICIES = [
    published(host, 8000 + number, TARGETS[version], 80 + number, exposure=policy, direct=number == 2)
    for number, policy in enumerate(("localhost", "lan", "192.0.2.0/24,198.51.100.7,2001:db8::/32"))
    for version, host in ((4, "0.0.0.0"), (6, "::"))
]
POLICY_RUNS = [
    published(
        host, 9000 + 100 * kind + number, TARGETS[version], 100 * (1 + kind) + number, exposure=policy, direct=kind == 2
    )
    for kind, policy in enumerate(("localhost", "lan", "192.0.2.0/24,2001:db8::/32"))
    for version, host in ((4, "0.0.0.0"), (6, "::"))
    for number in range(64)
]
CONNECTED = [ip_network(subnet) for subnet in ("192.0.2.0/24", "192.0.2.0/25", "2001:db8::/64")]
CASES: dict[str, tuple[list[Segment], list[Publication]]] = {
    "ipv4": ([segment(V4)], []),
    "ipv6": ([segment(V6)], []),
    "dual_stack": ([segment()], []),
    "internal": ([segment(internal=True)], []),
    "no_icc": ([segment(icc=False)], []),
    "internal_no_icc": ([segment(internal=True, icc=False)], []),
    "no_masquerade": ([segment(masquerade=False)], []),
    "source_addresses": ([segment(source_ipv4=ip_address("192.0.2.9"), source_ipv6=ip_address("2001:db8::9"))], []),
    "unprotected_ipv4": ([segment(unprotected=frozenset({4}))], []),
    "unprotected_ipv6": ([segment(unprotected=frozenset({6}))], []),
    "routed": ([segment(routed=frozenset({4, 6}))], ROUTED),
    "routed_ipv6_alone": ([segment(routed=frozenset({6}))], ROUTED[2:]),
    "trusted_interfaces": ([segment(trusted=("eth1", "wlan0"))], []),
    "direct_routing": ([segment(direct=True)], [published("0.0.0.0", 8000, TARGETS[4], 80, direct=True)]),
    "internal_ignores_openings": (
        [segment(internal=True, trusted=("eth1",), routed=frozenset({4}), unprotected=frozenset({6}), direct=True)],
        [],
    ),
    "policies": ([segment()], POLICIES),
    "policies_of_runs": ([segment()], POLICY_RUNS),
    "ports": ([segment()], PORTS),
    "run_of_ports": ([segment()], RUN),
    "relayed": ([segment(V4)], RELAYED),
    "odd_interface_names": (
        [segment(V4, "accept"), segment(("10.2.0.0/24",), "0.1@x"), segment(("10.3.0.0/24",), "br-+=_")],
        [],
    ),
    "many_networks": ([segment((f"10.1.{n}.0/24",), f"br-{n}") for n in range(10)], []),
}


def test_the_empty_table() -> None:
    check("rulesets/empty.nft", _table(base_ruleset()))


@pytest.mark.parametrize("name", CASES)
def test_a_table(name: str) -> None:
    check(f"rulesets/{name}.nft", _table(render(desired_state(*CASES[name]))))


def test_a_table_with_a_mark_and_neighbours() -> None:
    contents = desired_state([segment()], [], connected=CONNECTED)
    check("rulesets/mark_and_neighbours.nft", _table(render(contents, Mark(0x4, 0xC))))


def test_every_file_belongs_to_a_case() -> None:
    assert {path.stem for path in (DIRECTORY / "rulesets").iterdir()} == CASES.keys() | {"empty", "mark_and_neighbours"}


def test_rules_do_not_grow() -> None:
    """Whatever is in the sets, the chains stay the same."""
    empty = base_ruleset()
    full = render(desired_state(*CASES["run_of_ports"]))
    assert full[full.index("chain") :] == empty[empty.index("chain") :]


def test_a_set_that_the_table_has_not() -> None:
    with pytest.raises(ValueError, match="no set called portz"):
        render({"portz": ()})


def _table(body: str) -> str:
    return f"table inet weft {{\n{body}\n}}\n"
