"""802.1q sub-interfaces by name: eth0.50 is VLAN 50 of eth0. Texts are Docker's."""

import re
from dataclasses import dataclass

from weft.model.errors import InvalidParameter

_FIRST, _LAST = 1, 4094  # IEEE 802.1Q, table 9-2: 0 is no VLAN, 4095 is reserved


@dataclass(frozen=True, slots=True)
class Vlan:
    """A VLAN of an interface."""

    base: str
    vid: int


def parse_vlan(name: str) -> Vlan:
    """Return the interface and VLAN id that a sub-interface's name stands for; raises InvalidParameter."""
    if "." not in name:
        raise InvalidParameter(
            f"-o parent interface was not found on the host: {name} "
            f"(invalid subinterface vlan name {name}, example formatting is eth0.10)"
        )
    base, _, number = name.partition(".")
    if not base or "." in number:
        raise InvalidParameter(
            f"required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received {name}"
        )
    if not re.fullmatch(r"[+-]?[0-9]+", number):
        raise InvalidParameter(f"unable to parse a valid vlan id from: {number} (ex. eth0.10 for vlan 10)")
    if not _FIRST <= int(number) <= _LAST:
        raise InvalidParameter(f"vlan id must be between 1-4094, received: {int(number)}")
    return Vlan(base, int(number))
