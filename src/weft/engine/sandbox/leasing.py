"""Endpoints whose addresses a DHCP server gives: leased when their links are there, given back before these go."""

import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from weft.engine.contract.kernel import Kernel
from weft.engine.contract.leases import Lease, LeaseRequest, Leases
from weft.engine.inventory import Inventory
from weft.engine.sandbox.mode import identity_of
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint

_log = logging.getLogger(__name__)
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")


class Leasing:
    """Leases for the endpoints of one container at a time. Callers hold the container's lock."""

    def __init__(self, inventory: Inventory, kernel: Kernel, leases: Leases) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._leases = leases

    def has(self, attachments: Iterable[Attachment]) -> bool:
        """Whether one of them gets its address from a DHCP server."""
        return any(map(self.is_leased, attachments))

    def is_leased(self, attachment: Attachment) -> bool:
        """Whether a DHCP server gives it its address."""
        network = self._inventory.networks.get(attachment.network_id)
        return network is not None and attachment.endpoint is not None and network.spec.leases_addresses

    async def acquire(self, record: ContainerRecord, only: Collection[str] | None = None) -> ContainerRecord:
        """Return the record with leases on all its endpoints that want one, or on those of the networks in `only`.

        All or none; their links are there. Errors are those of Leases.acquire.
        """
        attachments: list[Attachment] = []
        got: list[str] = []
        for attachment in record.attachments:
            endpoint = attachment.endpoint
            if endpoint is not None and self._is_meant(attachment, only):
                try:
                    lease = await self._leases.acquire(self._request(record, attachment, endpoint))
                except BaseException:
                    for former in got:
                        await self._leases.release(former)
                    raise
                got.append(endpoint.id)
                attachment = replace(attachment, endpoint=with_lease(endpoint, lease))
            attachments.append(attachment)
        return replace(record, attachments=tuple(attachments))

    async def release(self, record: ContainerRecord, only: Collection[str] | None = None) -> None:
        """Give addresses back; endpoints that have none are no error."""
        for attachment in record.attachments:
            if attachment.endpoint is not None and self._is_meant(attachment, only):
                await self._leases.release(attachment.endpoint.id)

    async def adopt(self, records: Iterable[ContainerRecord]) -> tuple[Lease, ...]:
        """After a start of the daemon: return the leases of these containers as they are by now; end all others."""
        requests = [
            self._request(record, attachment, attachment.endpoint)
            for record in records
            for attachment in record.attachments
            if attachment.endpoint is not None and attachment.endpoint.leased
        ]
        return await self._leases.adopt(requests)

    def _is_meant(self, attachment: Attachment, only: Collection[str] | None) -> bool:
        return self.is_leased(attachment) and (only is None or attachment.network_id in only)

    def _request(self, record: ContainerRecord, attachment: Attachment, endpoint: Endpoint) -> LeaseRequest:
        hostname = identity_of(record, "").hostname
        return LeaseRequest(
            endpoint_id=endpoint.id,
            network=attachment.network_name,
            path=self._kernel.sandbox_path(record.id),
            link=endpoint.sandbox_link,
            hostname=hostname if _HOST_NAME.fullmatch(hostname) else "",
        )


def with_lease(endpoint: Endpoint, lease: Lease) -> Endpoint:
    """Return the endpoint as the lease has it. One that ran out leaves the last address in the records."""
    if lease.interface is None:
        return endpoint
    return replace(
        endpoint,
        ipv4=lease.interface,
        gateway_ipv4=lease.gateway,
        dns_servers=lease.dns_servers,
        dns_search=lease.dns_search,
        leased=True,
        beside_host=True,
    )


def with_leases(record: ContainerRecord, leases: Iterable[Lease]) -> ContainerRecord:
    """Return the record with what the leases say of its endpoints."""
    by_endpoint = {lease.endpoint_id: lease for lease in leases}
    attachments = (
        replace(each, endpoint=with_lease(each.endpoint, by_endpoint[each.endpoint.id]))
        if each.endpoint is not None and each.endpoint.id in by_endpoint
        else each
        for each in record.attachments
    )
    return replace(record, attachments=tuple(attachments))
