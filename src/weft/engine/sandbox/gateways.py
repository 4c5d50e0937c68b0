"""Which endpoints carry a container's default routes."""

from collections.abc import Mapping
from dataclasses import dataclass

from weft.drivers.gateway import choose_gateways
from weft.model.address import Address
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint
from weft.model.network import NetworkRecord


@dataclass(frozen=True, slots=True)
class Gateways:
    """The attachments that carry the default route of each family, None where no network leads out."""

    ipv4: Attachment | None = None
    ipv6: Attachment | None = None

    def attachment(self, version: int) -> Attachment | None:
        """Return the gateway attachment of IP `version`."""
        return self.ipv4 if version == 4 else self.ipv6

    def endpoint(self, version: int) -> Endpoint | None:
        """Return the gateway endpoint of IP `version`."""
        attachment = self.attachment(version)
        return attachment.endpoint if attachment is not None else None

    def address(self, version: int) -> Address | None:
        """Return the container's address on that endpoint."""
        endpoint = self.endpoint(version)
        if endpoint is None:
            return None
        interface = endpoint.ipv4 if version == 4 else endpoint.ipv6
        return interface.ip if interface is not None else None


def gateways_of(record: ContainerRecord, networks: Mapping[str, NetworkRecord]) -> Gateways:
    """Return the gateways among the record's endpoints; networks that are gone do not count."""
    live = {
        attachment.network_id: attachment
        for attachment in record.attachments
        if attachment.endpoint is not None and attachment.network_id in networks
    }
    chosen = choose_gateways((networks[network_id], attachment) for network_id, attachment in live.items())
    return Gateways(live.get(chosen.ipv4 or ""), live.get(chosen.ipv6 or ""))


def own_gateways_of(record: ContainerRecord, networks: Mapping[str, NetworkRecord]) -> Gateways:
    """Return the gateways whose ports Weft forwards.

    A remote driver forwards those of its endpoints itself; what is beside the host needs none.
    """
    gateways = gateways_of(record, networks)
    return Gateways(_own(gateways.ipv4), _own(gateways.ipv6))


def _own(attachment: Attachment | None) -> Attachment | None:
    endpoint = attachment.endpoint if attachment is not None else None
    return None if endpoint is not None and (endpoint.remote or endpoint.beside_host) else attachment
