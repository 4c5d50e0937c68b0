"""What CNI plugins are given beyond their file."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from weft.model.endpoint import EndpointSpec
from weft.model.errors import InvalidParameter
from weft.model.port import ContainerPort, Protocol, PublishedPort
from weft.plugins.cni.runtime_config import arguments, check_fulfilled, runtime_config

ALL = {"portMappings", "ips", "mac", "aliases"}
SPEC = EndpointSpec(ipv4=ip_address("10.1.0.5"), aliases=("web",))  # type: ignore[arg-type]
MAC = "02:00:00:00:00:01"
PORTS = (
    PublishedPort(ContainerPort(80), ip_address("0.0.0.0"), 8080),
    PublishedPort(ContainerPort(53, Protocol.UDP), ip_address("127.0.0.1"), 5353),
)


def test_by_capability() -> None:
    assert runtime_config(SPEC, MAC, PORTS, "blue", ALL) == {
        "portMappings": [
            {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
            {"hostPort": 5353, "containerPort": 53, "protocol": "udp", "hostIP": "127.0.0.1"},
        ],
        "ips": ["10.1.0.5"],
        "mac": MAC,
        "aliases": {"blue": ["web"]},
    }
    assert arguments(SPEC, MAC, ALL) == {}


def test_wishes_without_a_capability_are_arguments() -> None:
    assert runtime_config(SPEC, MAC, PORTS, "blue", ()) == {}
    assert arguments(SPEC, MAC, ()) == {"IgnoreUnknown": "1", "IP": "10.1.0.5", "MAC": MAC}
    assert arguments(EndpointSpec(), "", ()) == {}


def test_what_was_asked_for_must_be_got() -> None:
    check_fulfilled(SPEC, MAC, [ip_address("10.1.0.5")], MAC, "x")
    with pytest.raises(InvalidParameter, match=r"did not give the address 10\.1\.0\.5"):
        check_fulfilled(SPEC, "", [ip_address("10.1.0.6")], "", "x")
    with pytest.raises(InvalidParameter, match="did not give the MAC address"):
        check_fulfilled(EndpointSpec(), MAC, [], "02:00:00:00:00:02", "x")
