"""Endpoints taken for attachments, with addresses of Weft's own pools or of IPAM drivers outside, and given back."""

from collections.abc import Iterable
from dataclasses import replace

from weft.engine.inventory import Inventory
from weft.engine.networks.ipams import Ipams
from weft.engine.sandbox.endpoints import Endpoints, asked_names, interface_names
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint


class Allotment:
    """Takes all of an endpoint, or nothing."""

    def __init__(self, inventory: Inventory, endpoints: Endpoints, ipams: Ipams) -> None:
        self._inventory = inventory
        self._endpoints = endpoints
        self._ipams = ipams

    async def take_all(self, record: ContainerRecord) -> ContainerRecord:
        """Return the record with an endpoint on each attachment; all or nothing."""
        done: list[Attachment] = []
        try:
            for position, attachment in enumerate(record.attachments):
                later = record.attachments[position + 1 :]
                done.append(await self.take(record, attachment, interface_names(done) | asked_names(later)))
        except BaseException:
            await self.give_back(done)
            raise
        return replace(record, attachments=tuple(done))

    async def take(self, record: ContainerRecord, attachment: Attachment, taken: set[str]) -> Attachment:
        """Return the attachment with an endpoint, `taken` being interface names in use in the sandbox."""
        network = self._inventory.networks[attachment.network_id]
        given = await self._ipams.take(record, network, attachment, self._endpoints.asked_mac(record, attachment))
        try:
            endpoint = self._endpoints.allocate(record, network, attachment, taken, given)
        except BaseException:
            if given is not None:
                unused = Endpoint(id=given.endpoint_id, network_id=network.id, ipv4=given.ipv4, ipv6=given.ipv6)
                await self._ipams.release([unused])
            raise
        return replace(attachment, endpoint=endpoint)

    async def give_back(self, attachments: Iterable[Attachment]) -> None:
        """Give the addresses of these attachments' endpoints back."""
        endpoints = [attachment.endpoint for attachment in attachments if attachment.endpoint is not None]
        self._endpoints.release(endpoints)
        await self._ipams.release(endpoints)
