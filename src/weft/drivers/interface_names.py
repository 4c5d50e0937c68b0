"""Names of interfaces that drivers make."""

from collections.abc import Collection
from itertools import count

_LENGTH = 15  # IFNAMSIZ less the closing zero


def veth_name(endpoint_id: str) -> str:
    """Return the host's end of an endpoint: veth and as much of the id as fits, so that two never share it."""
    return f"veth{endpoint_id}"[:_LENGTH]


def free_name(prefix: str, taken: Collection[str]) -> str:
    """Return `prefix` with the lowest number that `taken` does not hold: eth0, eth1 …"""
    return next(name for number in count() if (name := f"{prefix}{number}") not in taken)
