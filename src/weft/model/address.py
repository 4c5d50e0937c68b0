"""Short names for the standard library's address types; both families everywhere."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network


@lru_cache(maxsize=4096)
def text(address: Address) -> str:
    """Return an address as text; remembered, since a hundred published ports write the same two over and over."""
    return str(address)
