"""Names of 802.1q sub-interfaces."""

import pytest

from weft.drivers.vlan import Vlan, parse_vlan
from weft.model.errors import InvalidParameter


@pytest.mark.parametrize(("name", "vlan"), [("eth0.1", Vlan("eth0", 1)), ("bond0.4094", Vlan("bond0", 4094))])
def test_names_that_are(name: str, vlan: Vlan) -> None:
    assert parse_vlan(name) == vlan


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("eth0.0", "vlan id must be between 1-4094, received: 0"),
        ("eth0.4095", "vlan id must be between 1-4094, received: 4095"),
        ("eth0.-5", "vlan id must be between 1-4094, received: -5"),
        ("eth0.x", r"unable to parse a valid vlan id from: x \(ex. eth0.10 for vlan 10\)"),
        ("eth0.", r"unable to parse a valid vlan id from:  \(ex"),
        (
            "eth0.5.6",
            "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received eth0.5.6",
        ),
        (".5", "required interface name format is: name.vlan_id"),
        ("eno9", "^-o parent interface was not found on the host: eno9"),
    ],
)
def test_names_that_are_not(name: str, fault: str) -> None:
    with pytest.raises(InvalidParameter, match=fault):
        parse_vlan(name)
