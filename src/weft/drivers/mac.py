"""MAC addresses."""

from ipaddress import IPv4Address

_LENGTH = 6
_MULTICAST = 0x01
_LOCAL = 0x02
_PREFIX = b"\x02\x42"


def mac_address(material: bytes) -> str:
    """Return a locally administered unicast address (IEEE 802, 8.2) made of the first six bytes of `material`.

    Endpoints get theirs from random bytes, afresh at each start; a bridge from its network's id, so that it keeps it.
    """
    if len(material) < _LENGTH:
        raise ValueError(f"a MAC address takes {_LENGTH} bytes, not {len(material)}")
    first = (material[0] | _LOCAL) & ~_MULTICAST
    return bytes([first, *material[1:_LENGTH]]).hex(":")


def mac_of(address: IPv4Address) -> str:
    """Return the MAC address that follows from an IPv4 address, as Docker had it before it went over to random ones."""
    return mac_address(_PREFIX + address.packed)
