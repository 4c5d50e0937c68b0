"""All names of all networks, for the DNS process; pure."""

from collections.abc import Iterable, Mapping

from weft.model.address import Address
from weft.model.container import ContainerRecord

Entry = tuple[tuple[str, ...], tuple[Address, ...]]


def zones_of(records: Iterable[ContainerRecord]) -> Mapping[str, Mapping[str, Entry]]:
    """Return network -> endpoint -> (names, addresses) of all live endpoints that have names."""
    zones: dict[str, dict[str, Entry]] = {}
    for record in records:
        for attachment in record.attachments:
            endpoint = attachment.endpoint
            if endpoint is not None and endpoint.dns_names:
                addresses = tuple(each.ip for each in (endpoint.ipv4, endpoint.ipv6) if each is not None)
                zones.setdefault(endpoint.network_id, {})[endpoint.id] = (endpoint.dns_names, addresses)
    return zones
