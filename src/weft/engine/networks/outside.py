"""Networks of remote drivers and remote IPAM drivers: what of them is made and removed outside."""

import logging
from collections.abc import Iterable

from weft.drivers.contract import Driver, Parented, Remote, Routed
from weft.drivers.registry import Registry
from weft.engine.contract.remote import Remotes
from weft.engine.inventory import Inventory
from weft.engine.networks.ipams import Ipams, is_null, is_outside
from weft.model.address import Network as Subnet
from weft.model.errors import InvalidParameter, NotFound, Unavailable, WeftError
from weft.model.network import NetworkRecord, NetworkSpec, Pool

_log = logging.getLogger(__name__)


class OutsideNetworks:
    """Asks remote drivers and IPAM drivers, by name; a network of built-in ones costs nothing here."""

    def __init__(self, inventory: Inventory, drivers: Registry, remotes: Remotes, ipams: Ipams) -> None:
        self._drivers = drivers
        self._remotes = remotes
        self.ipams = ipams
        for record in inventory.networks.values():  # planned for although their drivers may be away
            if not record.spec.config_only:
                drivers.adopt(record.driver)

    def is_asked(self, spec: NetworkSpec) -> bool:
        """Whether making the network takes a program outside."""
        if spec.config_only:
            return False
        try:
            return isinstance(self._drivers.get(spec.driver), Remote) or is_outside(spec)
        except NotFound:
            return True
        except WeftError:
            return False

    async def find(self, spec: NetworkSpec) -> None:
        """Look for the drivers that a new network names; NotFound, in Docker's words, where there is none."""
        if spec.config_only:
            return
        try:
            self._drivers.get(spec.driver)
        except NotFound:
            await self._remotes.driver(spec.driver)
            self._drivers.adopt(spec.driver)
        if is_outside(spec):
            await self.ipams.find(spec.ipam_driver)

    async def without_gateway(self, driver: Driver, spec: NetworkSpec) -> frozenset[int]:
        """Return the IP versions for which no gateway is chosen, as the driver wants it."""
        if isinstance(driver, Remote):
            return await (await self._remotes.driver(driver.name)).without_gateway(spec)
        return driver.without_gateway(spec) if isinstance(driver, Routed) else frozenset()

    async def pools(self, driver: Driver, spec: NetworkSpec, host_routes: Iterable[Subnet]) -> tuple[Pool, ...] | None:
        """Return a network's pools where they are not Weft's own to choose, else None."""
        if is_null(spec):
            if driver.has_addresses and not isinstance(driver, Remote | Parented):
                raise InvalidParameter("ipv4 pool is empty")
            return ()
        if is_outside(spec):
            return await self.ipams.pools(spec, host_routes, await self.without_gateway(driver, spec))
        return None

    async def create(self, record: NetworkRecord) -> NetworkRecord:
        """Make a remote driver's network; return its record as the driver completed it."""
        driver = self._drivers.get(record.driver)
        if not isinstance(driver, Remote):
            return record
        return await (await self._remotes.driver(record.driver)).create_network(record)

    async def delete(self, record: NetworkRecord) -> None:
        """Remove a remote driver's network. A driver that is away keeps it, one that objects does not (Docker too)."""
        if not isinstance(self._drivers.get(record.driver), Remote):
            return
        driver = await self._remotes.driver(record.driver)
        try:
            await driver.delete_network(record)
        except (NotFound, Unavailable):
            raise
        except WeftError as error:
            _log.warning("the driver of network %s on its removal: %s", record.name, error.message)

    def recorded(self, record: NetworkRecord) -> None:
        """Take note that a network's record holds its pools."""
        self.ipams.recorded(record)

    async def release(self, record: NetworkRecord) -> None:
        """Give the pools back."""
        await self.ipams.release_pools(record)
