"""Where subnets come from that a user did not choose: Docker's local pools, daemon.json's, and a ULA prefix."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network

from weft.model.address import Network as Subnet
from weft.model.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class DefaultPool:
    """One entry of `default-address-pools`: `base` is cut into subnets of prefix length `size`."""

    base: Subnet
    size: int

    def __post_init__(self) -> None:
        if not self.base.prefixlen <= self.size <= self.base.max_prefixlen:
            raise InvalidParameter(
                f"invalid default-address-pools entry {self.base}: size {self.size} must be between "
                f"{self.base.prefixlen} and {self.base.max_prefixlen}"
            )


# Docker's defaults for networks of local scope.
LOCAL_POOLS = (
    DefaultPool(IPv4Network("172.17.0.0/16"), 16),
    DefaultPool(IPv4Network("172.18.0.0/16"), 16),
    DefaultPool(IPv4Network("172.19.0.0/16"), 16),
    DefaultPool(IPv4Network("172.20.0.0/14"), 16),
    DefaultPool(IPv4Network("172.24.0.0/14"), 16),
    DefaultPool(IPv4Network("172.28.0.0/14"), 16),
    DefaultPool(IPv4Network("192.168.0.0/16"), 20),
)


def ula_pool(host_id: str) -> DefaultPool:
    """Return the host's unique local IPv6 prefix, a /48 cut into /64 (RFC 4193), the same for the same `host_id`.

    As Docker makes it: fd00::/8, then the low 40 bits of the first 8 bytes of sha256(host id).
    """
    global_id = int.from_bytes(sha256(host_id.encode()).digest()[:8], "big") & ((1 << 40) - 1)
    return DefaultPool(IPv6Network(((0xFD << 120) | (global_id << 80), 48)), 64)


def usable_pools(configured: Iterable[tuple[Subnet, int]], host_id: str) -> tuple[DefaultPool, ...]:
    """Return what to allocate from: `configured` (base, size) in order, or Docker's defaults; plus ULA if without IPv6.

    A configuration without IPv4 pools has no IPv4 subnets to give, as in Docker.
    """
    pools = tuple(DefaultPool(base, size) for base, size in configured) or LOCAL_POOLS
    if any(pool.base.version == 6 for pool in pools):
        return pools
    return (*pools, ula_pool(host_id))
