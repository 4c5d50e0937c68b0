"""Answers of CNI plugins, read as what a stranger wrote."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.model.errors import SystemFailure
from weft.plugins.cni.result import Dns, parse_json, parse_result, without_default_routes

FULL: dict[str, Any] = {
    "cniVersion": "1.0.0",
    "interfaces": [
        {"name": "cni0", "mac": "AA:00:00:00:00:01"},
        {"name": "eth0", "mac": "AA:00:00:00:00:02", "sandbox": "/run/netns/a"},
    ],
    "ips": [
        {"address": "10.1.0.9/24", "interface": 0},
        {"address": "10.1.0.5/24", "gateway": "10.1.0.1", "interface": 1},
        {"address": "fd00::5/64", "gateway": "fd00::1", "interface": 1},
    ],
    "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0", "gw": "fe80::9"}, {"dst": "10.9.0.0/16", "gw": "10.1.0.7"}],
    "dns": {"nameservers": ["10.1.0.1"], "domain": "lan.test", "options": ["ndots:2"]},
}


def test_all_of_it() -> None:
    found = parse_result(FULL, "bridge", "eth0")
    assert (found.ipv4, found.ipv6) == (ip_interface("10.1.0.5/24"), ip_interface("fd00::5/64"))
    assert (found.gateway_ipv4, found.gateway_ipv6) == (ip_address("10.1.0.1"), ip_address("fe80::9"))
    assert found.mac == "aa:00:00:00:00:02"
    assert found.dns == Dns((ip_address("10.1.0.1"),), ("lan.test",), ("ndots:2",))


def test_a_gateway_without_a_default_route_leads_nowhere() -> None:
    assert parse_result({**FULL, "routes": []}, "bridge", "eth0").gateway_ipv4 is None


def test_nothing_is_a_result_too() -> None:
    assert parse_result({"interfaces": None}, "loopback", "eth0").ipv4 is None


def test_default_routes_are_taken_out() -> None:
    assert without_default_routes(FULL)["routes"] == [{"dst": "10.9.0.0/16", "gw": "10.1.0.7"}]


NONSENSE: list[dict[str, Any]] = [
    {"ips": {"address": "10.1.0.5/24"}},
    {"ips": ["10.1.0.5/24"]},
    {"ips": [{}]},
    {"ips": [{"address": "10.1.0.500/24"}]},
    {"ips": [{"address": "10.1.0.5/24", "gateway": 7}]},
    {"routes": [{"gw": "10.1.0.1"}]},
    {"dns": "8.8.8.8"},
    {"dns": {"nameservers": "8.8.8.8"}},
    {"dns": {"nameservers": ["dns.example"]}},
    {"dns": {"search": ["a\nnameserver 6.6.6.6"]}},
    {"interfaces": [{"name": "eth0", "sandbox": "/x", "mac": "aa:bb"}]},
]


@pytest.mark.parametrize("found", NONSENSE, ids=str)
def test_nonsense_names_the_plugin(found: dict[str, Any]) -> None:
    with pytest.raises(SystemFailure, match="CNI plugin bridge answered with"):
        parse_result(found, "bridge", "eth0")


@pytest.mark.parametrize("output", [b"", b"hello", b"[]", b"\xff", b"[" * 100000])
def test_what_is_no_object(output: bytes) -> None:
    with pytest.raises(SystemFailure, match="CNI plugin bridge answered with"):
        parse_json(output, "bridge")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["address", "gw", "dst", "mac"]), inner)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["ips", "interfaces", "routes", "dns"]), _json))
def test_anything_is_read_or_refused(found: dict[str, Any]) -> None:
    with suppress(SystemFailure):
        parse_result(found, "bridge", "eth0")
