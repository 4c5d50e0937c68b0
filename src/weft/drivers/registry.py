"""Drivers by name."""

from collections.abc import Iterable

from weft.drivers.bridge import BridgeDriver
from weft.drivers.cni import CniPlanner
from weft.drivers.contract import Driver, Parented
from weft.drivers.host import HostDriver
from weft.drivers.ipvlan import IpvlanDriver
from weft.drivers.macvlan import MacvlanDriver
from weft.drivers.null import NullDriver
from weft.drivers.remote import RemotePlanner
from weft.model.errors import Forbidden, NotFound
from weft.model.network import NetworkRecord


class Registry:
    """The drivers of one daemon."""

    def __init__(self, drivers: Iterable[Driver]) -> None:
        self._drivers = {driver.name: driver for driver in drivers}
        self._remote: dict[str, Driver] = {}  # planners of drivers outside, by the names that networks use

    def get(self, name: str) -> Driver:
        """Return the driver called `name`, "" being bridge; NotFound or Forbidden say why not."""
        driver = self._drivers.get(name or BridgeDriver.name) or self._remote.get(name)
        if driver is not None:
            return driver
        if name == "overlay":
            raise Forbidden(
                'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" '
                "to connect this node to swarm and try again."
            )
        raise NotFound(f"could not find plugin {name} in v1 plugin registry: plugin not found")

    def adopt(self, name: str) -> None:
        """Plan for the remote driver of that name from now on, unless Weft has one of that name."""
        if name not in self._drivers and name != "overlay":
            self._remote.setdefault(name, RemotePlanner(name))

    def is_isolated(self, record: NetworkRecord) -> bool:
        """Whether nothing leads out of a network: an internal one, or one upon no interface of the host."""
        driver = self._drivers.get(record.driver)
        return record.spec.internal or (isinstance(driver, Parented) and driver.is_isolated(record.spec))

    @property
    def names(self) -> tuple[str, ...]:
        """The drivers' names, sorted, for `docker info`."""
        return tuple(sorted(self._drivers))


def built_in(*, ip_forward: bool = True, direct_routing: bool = False) -> Registry:
    """Return the drivers that Weft brings. `ip_forward` is daemon.json's ip-forward."""
    return Registry(
        (
            BridgeDriver(ip_forward=ip_forward, direct_routing=direct_routing),
            HostDriver(),
            NullDriver(),
            MacvlanDriver(),
            IpvlanDriver(),
            CniPlanner(),
        )
    )
