"""The firewall as a whole: made anew at start, and whenever somebody else flushed it."""

import asyncio
import logging

from weft.drivers.registry import Registry
from weft.drivers.segments import segment_of
from weft.engine.contract.kernel import Facts, Kernel
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.sandbox.links import Links
from weft.engine.sandbox.publisher import Publisher
from weft.firewall.connected import connected_changed
from weft.firewall.contents import TABLE
from weft.firewall.table import load
from weft.model.address import Network
from weft.model.errors import WeftError
from weft.model.mark import Mark
from weft.plan.plan import Plan

_log = logging.getLogger(__name__)
_SETTLING = 0.2  # seconds in which several addresses may change together


class Firewall:
    """Keeps Weft's table as the records say."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        drivers: Registry,
        publisher: Publisher,
        links: Links,
        events: EventBus,
        accepted_mark: Mark | None = None,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._drivers = drivers
        self._publisher = publisher
        self._links = links
        self._events = events
        self._accepted_mark = accepted_mark
        self._connected: tuple[Network, ...] = ()

    async def load(self) -> None:
        """Make the table, whole, in one transaction."""
        self._connected = _connected(await self._kernel.facts())
        await self._kernel.apply(self._plan())

    def _plan(self) -> Plan:
        segments = []
        for network in self._inventory.networks.values():
            segment = segment_of(self._drivers.get(network.driver), network)
            if segment is not None:
                segments.append(segment)
        running = (record for record in self._inventory.containers.values() if record.sandbox_id == record.id)
        published = [each for record in running for each in self._publisher.publications(record)]
        return load(
            segments,
            published,
            self._links.restore(),
            self._connected,
            self._accepted_mark,
            self._publisher.relay_port,
        )

    async def follow(self) -> None:
        """Keep up with the subnets that the host is connected to; runs until cancelled."""
        async for _ in self._kernel.addresses_changed():
            await asyncio.sleep(_SETTLING)
            try:
                present = _connected(await self._kernel.facts())
                plan = connected_changed(self._connected, present)
                self._connected = present
                await self._kernel.apply(plan)
            except WeftError as error:
                _log.warning("the host's subnets could not be brought into the firewall: %s", error.message)

    async def guard(self) -> None:
        """Put the table back whenever somebody else deletes it, and say so; runs until cancelled."""
        async for table in self._kernel.flushed():
            if table != TABLE:
                continue
            _log.warning("the nftables table %s was flushed by another program: putting it back", table)
            try:
                await self._kernel.apply(self._plan())
            except WeftError as error:
                _log.error("the nftables table %s could not be put back: %s", table, error.message)
                await asyncio.sleep(0.1)
                continue
            self._events.emit("daemon", "firewall-restored", "weft", {"table": table})


def _connected(facts: Facts) -> tuple[Network, ...]:
    """Return the subnets of the host's interfaces, as sources that are its neighbours."""
    interfaces = (interface for link in facts.links for interface in link.addresses)
    return tuple({each.network for each in interfaces if not each.is_loopback and each.network.num_addresses > 1})
