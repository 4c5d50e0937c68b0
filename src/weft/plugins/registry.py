"""Plugins by name: discovered and activated when first asked for (Docker plugin protocol v1)."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from weft.engine.contract.remote import RemoteDriver, RemoteIpam
from weft.model.errors import NotFound, SystemFailure
from weft.plugins.client import Client, Limits
from weft.plugins.discovery import Directories
from weft.plugins.ipam_driver import V1IpamDriver
from weft.plugins.network_driver import V1NetworkDriver

_log = logging.getLogger(__name__)
NETWORK_DRIVER, IPAM_DRIVER = "NetworkDriver", "IpamDriver"


@dataclass(slots=True)
class _Plugin:
    """An active plugin, and what it turned out to be."""

    client: Client
    implements: tuple[str, ...]
    driver: V1NetworkDriver | None = None
    ipam: V1IpamDriver | None = None


class PluginRegistry:
    """Implements Remotes. `drivers` and `ipams` are those that Weft brings itself, which come before plugins."""

    def __init__(
        self,
        directories: Directories,
        *,
        limits: Limits | None = None,
        drivers: Mapping[str, RemoteDriver] | None = None,
        ipams: Mapping[str, RemoteIpam] | None = None,
    ) -> None:
        self._directories = directories
        self._limits = limits or Limits()
        self._drivers = dict(drivers or {})
        self._ipams = dict(ipams or {})
        self._active: dict[str, _Plugin] = {}
        self._activating: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def driver(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteDriver:
        """Return the network driver of that name."""
        if name in self._drivers:
            return self._drivers[name]
        async with self._activating[name]:
            plugin = await self._plugin(name, NETWORK_DRIVER, known=known, wait=wait)
            if plugin.driver is None:
                plugin.driver = await V1NetworkDriver.open(plugin.client)
            return plugin.driver

    async def ipam(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteIpam:
        """Return the IPAM driver of that name."""
        if name in self._ipams:
            return self._ipams[name]
        async with self._activating[name]:
            plugin = await self._plugin(name, IPAM_DRIVER, known=known, wait=wait)
            if plugin.ipam is None:
                plugin.ipam = await V1IpamDriver.open(plugin.client)
            return plugin.ipam

    def active(self, kind: str) -> tuple[str, ...]:
        """Return the names of active plugins that implement `kind` (NetworkDriver, IpamDriver), sorted."""
        return tuple(sorted(name for name, plugin in self._active.items() if kind in plugin.implements))

    async def _plugin(self, name: str, kind: str, *, known: bool, wait: bool) -> _Plugin:
        plugin = self._active.get(name)
        if plugin is not None and plugin.client.lost and self._directories.find(name) != plugin.client.address:
            await self._forget(name)  # it comes back elsewhere, or not at all
            plugin = None
        if plugin is None:
            plugin = self._active[name] = await self._activate(name, known=known, wait=wait)
        if kind not in plugin.implements:
            raise NotFound(
                f"could not find plugin {name} in v1 plugin registry: Plugin does not implement the requested driver: "
                f"it is {' and '.join(plugin.implements) or 'nothing'}, not {kind}"
            )
        return plugin

    async def _activate(self, name: str, *, known: bool, wait: bool) -> _Plugin:
        address = self._directories.find(name)
        for pause in self._limits.pauses() if known and wait else ():
            if address is not None:
                break
            _log.warning("unable to locate plugin: %s, retrying in %ss", name, pause)
            await asyncio.sleep(pause)
            address = self._directories.find(name)
        if address is None:
            raise NotFound(f"could not find plugin {name} in v1 plugin registry: plugin not found")
        client = Client(name, address, self._limits)
        try:
            answer = await client.call("Plugin.Activate", {}, retry=wait)
            implements = answer.texts("Implements")
        except SystemFailure as error:
            await client.close()
            raise SystemFailure(f"plugin {name} could not be activated: {error.message}") from error
        except BaseException:
            await client.close()
            raise
        _log.info("plugin %s at %s is active: %s", name, address, ", ".join(implements))
        return _Plugin(client, implements)

    async def _forget(self, name: str) -> None:
        plugin = self._active.pop(name, None)
        if plugin is not None:
            await plugin.client.close()

    async def close(self) -> None:
        """Let go of connections; the plugins go on."""
        for name in tuple(self._active):
            await self._forget(name)
