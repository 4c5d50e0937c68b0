"""Addresses of a subnet that no endpoint may have."""

from weft.model.address import Address
from weft.model.address import Network as Subnet
from weft.model.network import Pool


def subnet_addresses(subnet: Subnet) -> frozenset[Address]:
    """Return the addresses that stand for the subnet itself.

    IPv4: network and broadcast address, none in a /31 (RFC 3021) or a /32. IPv6: the subnet-router anycast address
    (RFC 4291, 2.6.1), none in a /127 (RFC 6164) or a /128.
    """
    if subnet.prefixlen >= subnet.max_prefixlen - 1:
        return frozenset()
    if subnet.version == 4:
        return frozenset({subnet.network_address, subnet.broadcast_address})
    return frozenset({subnet.network_address})


def reserved_addresses(pool: Pool) -> frozenset[Address]:
    """Return what endpoints never get from `pool`: the subnet's own addresses, gateway and auxiliary addresses."""
    gateway = {pool.gateway} if pool.gateway is not None else set()
    return subnet_addresses(pool.subnet) | gateway | frozenset(pool.aux_addresses.values())
