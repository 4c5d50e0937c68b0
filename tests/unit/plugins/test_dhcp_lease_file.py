"""Lease files: written by a script from what a stranger's DHCP server said."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.engine.contract.leases import Lease
from weft.plugins.dhcp.lease_file import parse_lease

BOUND = """event=bound
address=10.1.0.5/255.255.255.0
router=10.1.0.1 10.1.0.2
dns=10.1.0.1 8.8.8.8
server=10.1.0.3
lease=3600
search=lan.test example.com
"""


@pytest.mark.parametrize("mask", ["24", "255.255.255.0"])
def test_a_lease(mask: str) -> None:
    assert parse_lease("e", BOUND.replace("255.255.255.0", mask)) == Lease(
        endpoint_id="e",
        interface=IPv4Interface("10.1.0.5/24"),
        gateway=IPv4Address("10.1.0.1"),
        dns_servers=("10.1.0.1", "8.8.8.8"),
        dns_search=("lan.test", "example.com"),
        server="10.1.0.3",
        seconds=3600,
    )


def test_one_that_ended() -> None:
    assert parse_lease("e", "event=lost\naddress=\n") == Lease(endpoint_id="e")


@pytest.mark.parametrize("text", ["", "bound", "event=bound\n", "event=bound\naddress=10.1.0.500/24\n"])
def test_nonsense(text: str) -> None:
    assert parse_lease("e", text) is None


def test_what_is_wrong_in_the_rest_is_left_out() -> None:
    lines = ("event=bound", "address=10.1.0.5/24", "router=x", "dns=y 8.8.8.8", "lease=soon", "search=a;b lan.test")
    found = parse_lease("e", "\n".join((*lines, "address=6.6.6.6/8")))
    assert found == Lease(
        endpoint_id="e", interface=IPv4Interface("10.1.0.5/24"), dns_servers=("8.8.8.8",), dns_search=("lan.test",)
    )


@given(st.text())
def test_anything_can_be_read(text: str) -> None:
    parse_lease("e", text)
    parse_lease("e", f"event=bound\naddress=10.1.0.5/24\n{text}")
