"""Leases that change while containers run."""

import logging

from weft.engine.contract.leases import Lease, Leases
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.engine.sandbox.service import SandboxService
from weft.model.container import ContainerRecord
from weft.model.errors import WeftError

_log = logging.getLogger(__name__)


class LeaseWatch:
    """Lets records and names follow what DHCP clients report."""

    def __init__(self, inventory: Inventory, sandboxes: SandboxService, container_locks: Locks, leases: Leases) -> None:
        self._inventory = inventory
        self._sandboxes = sandboxes
        self._locks = container_locks
        self._leases = leases

    async def run(self) -> None:
        """Follow until cancelled."""
        async for lease in self._leases.changes():
            record = self._holder(lease.endpoint_id)
            if record is None:
                continue
            if lease.interface is None:
                _log.warning("container %s lost an address: its DHCP lease ended", record.name)
                continue
            try:
                await self._follow(record.id, lease)
            except WeftError as error:
                _log.error("container %s: its new address %s: %s", record.name, lease.interface.ip, error.message)

    async def _follow(self, container_id: str, lease: Lease) -> None:
        async with self._locks.hold(container_id):
            record = self._holder(lease.endpoint_id)  # again: it may have ended while we waited
            if record is not None:
                _log.info("container %s has the address %s by DHCP", record.name, lease.interface)
                await self._sandboxes.follow_lease(record, lease)

    def _holder(self, endpoint_id: str) -> ContainerRecord | None:
        for record in self._inventory.containers.values():
            if any(each.endpoint is not None and each.endpoint.id == endpoint_id for each in record.attachments):
                return record
        return None
