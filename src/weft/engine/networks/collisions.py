"""Subnets that a user named and that a route of the host leads elsewhere already, as a VPN's may; pure."""

from weft.drivers.contract import Driver, Segmented
from weft.engine.contract.kernel import Facts
from weft.model.network import NetworkRecord

# A VPN that takes everything has 0.0.0.0/1 and 128.0.0.0/1, or 2000::/3: more specific ones go before them unharmed.
_LEAST_PREFIX = 8


def route_warnings(driver: Driver, record: NetworkRecord, facts: Facts) -> tuple[str, ...]:
    """Return a line for each route by another interface that overlaps a subnet that the user named.

    Only for networks of which the host is the router; Docker makes them too, and says nothing.
    """
    if not isinstance(driver, Segmented):
        return ()
    own = driver.segment(record).bridge
    names = {link.index: link.name for link in facts.links}
    return tuple(
        f"network {record.name}: its subnet {pool.subnet} collides with the host's route to {destination} by "
        f"{names.get(index, 'no interface')}: addresses of both are reached on one side alone; choose another "
        "--subnet, leave it out for a free one, or remove the route"
        for pool in record.pools
        for destination, index in facts.link_routes
        if not pool.chosen
        and names.get(index) != own
        and destination.version == pool.subnet.version
        and destination.prefixlen >= _LEAST_PREFIX
        and destination.overlaps(pool.subnet)
    )
