"""Who may use a port (weft.model.exposure): asked of each client, since no rule of the firewall sees what we accept."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Network, ip_address

from weft.model.exposure import Reach, parse_exposure

Gate = Callable[[str, str], bool]  # the client's address, and the one it came to

_LAN = tuple(map(IPv6Network, ("fc00::/7", "fe80::/10")))  # RFC 4193, RFC 4291 2.5.6


@lru_cache(maxsize=256)  # a run of ports has one policy
def gate_of(exposure: str) -> Gate | None:
    """Return what decides on clients, None where all may come. The host itself always may. Raises ValueError."""
    policy = parse_exposure(exposure)
    if policy.reach is Reach.OPEN:
        return None

    def admits(client: str, local: str) -> bool:
        if client == local:
            return True
        address = ip_address(client.partition("%")[0])
        if address.is_loopback:
            return True
        if policy.reach is Reach.LISTED:
            return any(address.version == prefix.version and address in prefix for prefix in policy.prefixes)
        if policy.reach is Reach.LOCALHOST:
            return False
        on_link = IPv6Network((local.partition("%")[0], 64), strict=False)
        return any(address in prefix for prefix in (*_LAN, on_link))

    return admits
