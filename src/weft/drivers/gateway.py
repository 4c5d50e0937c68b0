"""Which of a container's attachments its traffic leaves by, and its ports are published on."""

from collections.abc import Iterable
from dataclasses import dataclass

from weft.model.endpoint import Attachment, Endpoint
from weft.model.network import NetworkRecord


@dataclass(frozen=True, slots=True)
class Gateways:
    """Ids of the networks that carry the default routes; None where no attachment leads out. They may differ."""

    ipv4: str | None = None
    ipv6: str | None = None

    def versions_of(self, network_id: str) -> frozenset[int]:
        """Return the IP versions that leave by this network."""
        return frozenset(version for version, chosen in ((4, self.ipv4), (6, self.ipv6)) if chosen == network_id)


def choose_gateways(attachments: Iterable[tuple[NetworkRecord, Attachment]]) -> Gateways:
    """Return the best attachment for IPv4 and, independently, for IPv6, among those whose endpoint has a gateway.

    Higher gateway priority first, then networks that are not internal, dual-stack ones, and names in order.
    """
    ranked = sorted(attachments, key=lambda pair: _rank(*pair))
    ends = [attachment.endpoint for _, attachment in ranked if attachment.endpoint is not None]
    return Gateways(
        ipv4=next((endpoint.network_id for endpoint in ends if _leads_out(endpoint, 4)), None),
        ipv6=next((endpoint.network_id for endpoint in ends if _leads_out(endpoint, 6)), None),
    )


def _leads_out(endpoint: Endpoint, version: int) -> bool:
    hop, interface = (endpoint.gateway_ipv4, endpoint.ipv4) if version == 4 else (endpoint.gateway_ipv6, endpoint.ipv6)
    return hop is not None or (endpoint.by_link and interface is not None)


def _rank(network: NetworkRecord, attachment: Attachment) -> tuple[int, bool, bool, int, str]:
    endpoint = attachment.endpoint
    ways = () if endpoint is None else (_leads_out(endpoint, 4), _leads_out(endpoint, 6))
    return (
        -attachment.spec.gateway_priority,
        attachment.implicit,
        network.spec.internal,
        -sum(ways),
        network.name,
    )
