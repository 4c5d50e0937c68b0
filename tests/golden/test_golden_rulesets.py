"""The table's text over the option matrix. tests/netns/firewall loads each of these files."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from golden import DIRECTORY, check
from weft.firewall.publication import Publication
from weft.firewall.table import base_ruleset, desired_state, render
from weft.model.port import Protocol
from weft.model.segment import Segment

V4, V6 = ("10.1.0.0/24",), ("fd01::/64",)


def segment(subnets: tuple[str, ...] = V4 + V6, bridge: str = "br-1", **rest: Any) -> Segment:
    return Segment(network_id="1" * 64, bridge=bridge, subnets=tuple(map(ip_network, subnets)), **rest)


def published(host: str, host_port: int, address: str, port: int, protocol: str = "tcp") -> Publication:
    return Publication(Protocol(protocol), ip_address(host), host_port, ip_address(address), port)


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
    "ports": ([segment()], PORTS),
    "run_of_ports": ([segment()], RUN),
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


def test_every_file_belongs_to_a_case() -> None:
    assert {path.stem for path in (DIRECTORY / "rulesets").iterdir()} == CASES.keys() | {"empty"}


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
