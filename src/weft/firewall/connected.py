"""What the host is directly connected to: neighbours count as local (`weft.publish=lan`)."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from weft.firewall.contents import Contents, add, delete
from weft.firewall.sets import IPV4, IPV6
from weft.model.address import Network
from weft.plan.operations import Element
from weft.plan.plan import Plan

# RFC 1918, RFC 3927, RFC 4193, RFC 4291: local wherever the host is.
PRIVATE: dict[int, tuple[Network, ...]] = {
    4: tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"))),
    6: tuple(map(IPv6Network, ("fc00::/7", "fe80::/10"))),
}


def connected_contents(subnets: Iterable[Network]) -> Contents:
    """Return the elements that stand for directly connected subnets that are not private; overlaps become one."""
    found = [subnet for subnet in subnets if not _is_private(subnet)]
    ipv4 = collapse_addresses(subnet for subnet in found if isinstance(subnet, IPv4Network))
    ipv6 = collapse_addresses(subnet for subnet in found if isinstance(subnet, IPv6Network))
    return {
        IPV4.connected: tuple(Element((str(subnet),)) for subnet in ipv4),
        IPV6.connected: tuple(Element((str(subnet),)) for subnet in ipv6),
    }


def connected_changed(former: Iterable[Network], present: Iterable[Network]) -> Plan:
    """Return the plan that replaces the subnets of the table, one transaction; empty where they are the same."""
    before, after = connected_contents(former), connected_contents(present)
    return delete(before) + add(after) if before != after else Plan()


def _is_private(subnet: Network) -> bool:
    return any(
        subnet.prefixlen >= prefix.prefixlen and subnet.network_address in prefix for prefix in PRIVATE[subnet.version]
    )
