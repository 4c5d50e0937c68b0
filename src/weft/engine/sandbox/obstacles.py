"""What other programs' firewalls do to the traffic of our networks: looked for at start and when they change."""

import asyncio
import logging

from weft.drivers.contract import Segmented
from weft.drivers.registry import Registry
from weft.engine.contract.kernel import Facts, Kernel
from weft.engine.contract.relay import Relay
from weft.engine.inventory import Inventory
from weft.firewall.foreign import Finding, ForeignRules, summary
from weft.model.container import ContainerRecord
from weft.model.errors import WeftError
from weft.model.network import NetworkRecord

_log = logging.getLogger(__name__)
_SOME_PORT = 40000  # weft-relay's, before it listens
_SETTLE = 1.0  # seconds that a reload of somebody's rules may take before we look at the result


class Obstacles:
    """Findings by network, of the last look. Nothing here is waited for: a start costs a look-up."""

    def __init__(self, inventory: Inventory, kernel: Kernel, drivers: Registry, relay: Relay) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._drivers = drivers
        self._relay = relay
        self._rules = ForeignRules(())
        self._uplink = ""
        self._unseen: tuple[str, ...] = ()
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._told: set[str] = set()

    async def look(self) -> None:
        """Read the rules of others anew, and tell of what is new in the log."""
        try:
            facts, listing = await self._kernel.facts(), await self._kernel.foreign_rules()
        except WeftError as error:
            _log.error("the firewall rules of other programs could not be read: %s", error.message)
            return
        self._uplink, self._unseen = _uplink(facts), listing.unseen
        self._rules = ForeignRules(listing.entries)
        self._found.clear()
        lines = self.warnings()
        self._told &= set(lines)
        self._tell(lines)

    async def watch(self) -> None:
        """Look again after changes; runs until cancelled."""
        async for _ in self._kernel.foreign_changes():
            await asyncio.sleep(_SETTLE)
            await self.look()

    def warnings(self) -> tuple[str, ...]:
        """Return what stops the default bridge's traffic, and that of networks with running containers."""
        used = {
            attachment.network_id
            for record in self._inventory.containers.values()
            if record.state.is_running
            for attachment in record.attachments
        }
        networks = [each for each in self._inventory.networks.values() if each.name == "bridge" or each.id in used]
        found = [finding for network in networks for finding in self._of(network)]
        if self._relay.port:
            found += self._rules.relay_obstacles(self._relay.port, self._uplink)
        return summary(found) + self._unseen

    def of(self, record: ContainerRecord) -> tuple[str, ...]:
        """Return what stops the traffic of a container's networks, if it publishes ports."""
        known = (self._inventory.networks.get(attachment.network_id) for attachment in record.attachments)
        networks = [network for network in known if network is not None]
        found = [finding for network in networks for finding in self._of(network)]
        if self._relay.available and all(network.pool_of(6) is None for network in networks):
            found += self._rules.relay_obstacles(self._relay.port or _SOME_PORT, self._uplink)
        return summary(found)

    def tell(self, record: ContainerRecord) -> None:
        """Say in the log what stops the traffic of a container that publishes ports, unless it was said."""
        self._tell(self.of(record))

    def _tell(self, lines: tuple[str, ...]) -> None:
        for line in lines:
            if line not in self._told:
                _log.warning("%s", line)
        self._told |= set(lines)

    def _of(self, network: NetworkRecord) -> tuple[Finding, ...]:
        found = self._found.get(network.id)
        if found is None:
            driver = self._drivers.get(network.driver)
            segment = driver.segment(network) if isinstance(driver, Segmented) else None
            found = self._rules.obstacles(segment, self._uplink) if segment is not None else ()
            self._found[network.id] = found
        return found


def _uplink(facts: Facts) -> str:
    """Return an interface that leads out of the host, as far as it shows: up, with addresses, not a bridge of ours."""
    for link in facts.links:
        if link.up and link.kind != "bridge" and any(not each.is_loopback for each in link.addresses):
            return link.name
    return "eth0"
