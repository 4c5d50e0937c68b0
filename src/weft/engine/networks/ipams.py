"""IPAM drivers outside: a network's pools, and the addresses of its endpoints."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

from weft.drivers.mac import mac_address
from weft.engine.contract.environment import Environment
from weft.engine.contract.records import Delete
from weft.engine.contract.remote import AddressRequest, RemoteIpam, Remotes
from weft.engine.inventory import Inventory
from weft.model.address import Address, Interface
from weft.model.address import Network as Subnet
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint
from weft.model.errors import Unavailable, WeftError
from weft.model.ids import short_id
from weft.model.network import NetworkRecord, NetworkSpec, Pool, TakenPool

_log = logging.getLogger(__name__)
_BUILT_IN = ("", "default")
_NULL = "null"  # neither pools nor addresses
_OWN_MAC_PREFIX = b"\x02\x42"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an endpoint got from an IPAM driver outside; `mac` "" where none was needed for it."""

    endpoint_id: str
    ipv4: IPv4Interface | None = None
    ipv6: IPv6Interface | None = None
    mac: str = ""


def is_null(spec: NetworkSpec) -> bool:
    """Whether the network has no address management at all (`--ipam-driver null`)."""
    return spec.ipam_driver == _NULL


def is_outside(spec: NetworkSpec) -> bool:
    """Whether the network's addresses are managed by a program outside."""
    return spec.ipam_driver not in (*_BUILT_IN, _NULL)


class Ipams:
    """Calls IPAM drivers outside; each is told what the records hold before its first use after a start."""

    def __init__(self, inventory: Inventory, remotes: Remotes, environment: Environment) -> None:
        self._inventory = inventory
        self._remotes = remotes
        self._environment = environment
        self._told: set[str] = set()
        self._left = tuple(inventory.taken_pools.values())  # by a daemon that ended before it recorded their network
        self._telling: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, name: str, *, known: bool = False, wait: bool = True) -> RemoteIpam:
        """Return the IPAM driver of that name; NotFound and Unavailable say what is the matter with it."""
        ipam = await self._remotes.ipam(name, known=known, wait=wait)
        async with self._telling[name]:
            if name not in self._told:
                await self._tell(name, ipam)
                await self._release_left(name, ipam)
                self._told.add(name)
        return ipam

    async def _tell(self, name: str, ipam: RemoteIpam) -> None:
        networks = [each for each in self._inventory.networks.values() if each.spec.ipam_driver == name]
        ids = {network.id for network in networks}
        attachments = (each for record in self._inventory.containers.values() for each in record.attachments)
        endpoints = [each.endpoint for each in attachments if each.endpoint is not None and each.network_id in ids]
        if not networks:
            return
        try:
            await ipam.restore(networks, endpoints)
        except Unavailable:
            raise
        except WeftError as error:
            _log.warning("IPAM driver %s did not take back what the networks hold: %s", name, error.message)

    async def _release_left(self, name: str, ipam: RemoteIpam) -> None:
        networks = [each for each in self._inventory.networks.values() if each.spec.ipam_driver == name]
        used = {pool.handle for network in networks for pool in network.pools}
        for each in self._left:
            if each.driver != name:
                continue
            if each.pool.handle not in used:
                _log.info("pool %s of IPAM driver %s is given back: its network was never made", each.pool.subnet, name)
                await self._release(ipam, (each.pool,), each.pool.handle)
            self._forget([each])

    async def restore(self) -> None:
        """Tell every IPAM driver that the records name what they hold; one that is away is told when it is needed."""
        names = {each.spec.ipam_driver for each in self._inventory.networks.values() if is_outside(each.spec)}
        names |= {each.driver for each in self._left}
        for name in sorted(names):
            try:
                await self.find(name, known=True)
            except WeftError as error:
                _log.warning("IPAM driver %s: %s", name, error.message)

    async def pools(
        self, spec: NetworkSpec, host_routes: Iterable[Subnet], without_gateway: Collection[int]
    ) -> tuple[Pool, ...]:
        """Take a network's pools; until they are `recorded` the next start of the daemon gives them back."""
        ipam = await self.find(spec.ipam_driver)
        noted: list[TakenPool] = []

        def taken(pool: Pool) -> None:
            noted.append(TakenPool(driver=spec.ipam_driver, pool=pool))
            self._inventory.save(noted[-1])

        kept: frozenset[str] = frozenset()
        try:
            pools = await ipam.request_pools(
                spec, host_routes=host_routes, without_gateway=without_gateway, taken=taken
            )
            kept = frozenset(pool.handle for pool in pools)
            return pools
        finally:
            self._forget([each for each in noted if each.pool.handle not in kept])

    def recorded(self, record: NetworkRecord) -> None:
        """Take note that a network's record holds its pools."""
        if is_outside(record.spec):
            self._forget([TakenPool(driver=record.spec.ipam_driver, pool=pool) for pool in record.pools])

    def _forget(self, pools: Iterable[TakenPool]) -> None:
        changes = tuple(Delete(TakenPool, each.id) for each in pools if each.id in self._inventory.taken_pools)
        if changes:
            self._inventory.commit(changes)

    async def release_pools(self, record: NetworkRecord) -> None:
        """Give a network's pools back; what the driver objects to is logged."""
        if not is_outside(record.spec) or not record.pools:
            return
        try:
            ipam = await self.find(record.spec.ipam_driver)
        except WeftError as error:
            _log.error("the pools of network %s could not be given back: %s", record.name, error.message)
            return
        await self._release(ipam, record.pools, record.name)
        self.recorded(record)

    async def _release(self, ipam: RemoteIpam, pools: Iterable[Pool], whose: str) -> None:
        try:
            await ipam.release_pools(pools)
        except WeftError as error:
            _log.error("the pools of network %s could not be given back: %s", whose, error.message)

    async def take(
        self, record: ContainerRecord, network: NetworkRecord, attachment: Attachment, mac: str
    ) -> Given | None:
        """Take an endpoint's addresses, all or none; None where they are not a program's outside to give."""
        if not is_outside(network.spec):
            return None
        ipam = await self.find(network.spec.ipam_driver, known=True)
        endpoint_id = self._environment.new_id()
        if not mac and await ipam.requires_mac():
            mac = mac_address(_OWN_MAC_PREFIX + self._environment.random_below(1 << 32).to_bytes(4))
        taken: dict[int, Interface] = {}
        for version, wanted in ((4, attachment.spec.ipv4), (6, attachment.spec.ipv6)):
            try:
                interface = await self._one(ipam, _request(record, network, endpoint_id, mac), version, wanted)
            except BaseException:
                for held in taken.values():
                    await self._give_back(network, Endpoint(id=endpoint_id, network_id=network.id), held)
                raise
            if interface is not None:
                taken[version] = interface
        ipv4, ipv6 = taken.get(4), taken.get(6)
        return Given(
            endpoint_id=endpoint_id,
            ipv4=ipv4 if isinstance(ipv4, IPv4Interface) else None,
            ipv6=ipv6 if isinstance(ipv6, IPv6Interface) else None,
            mac=mac,
        )

    async def _one(
        self, ipam: RemoteIpam, request: "_Asking", version: int, wanted: Address | None
    ) -> Interface | None:
        """Take an address of the first pool that has one, or of the one that holds `wanted`."""
        pools = [pool for pool in request.network.pools if pool.subnet.version == version]
        holding = [pool for pool in pools if wanted is not None and wanted in pool.subnet]
        candidates = holding or pools
        for place, pool in enumerate(candidates):
            try:
                return await ipam.request_address(request.of(pool, wanted))
            except WeftError as error:
                if place == len(candidates) - 1 or isinstance(error, Unavailable):
                    raise
        return None

    async def release(self, endpoints: Iterable[Endpoint]) -> None:
        """Give endpoints' addresses back; what the driver objects to is logged."""
        for endpoint in endpoints:
            network = self._inventory.networks.get(endpoint.network_id)
            if network is None or not is_outside(network.spec):
                continue
            for interface in (endpoint.ipv4, endpoint.ipv6):
                if interface is not None:
                    await self._give_back(network, endpoint, interface)

    async def _give_back(self, network: NetworkRecord, endpoint: Endpoint, interface: Interface) -> None:
        try:
            ipam = await self.find(network.spec.ipam_driver, wait=False)
            await ipam.release_address(network, endpoint, interface)
        except WeftError as error:
            _log.error("address %s of network %s could not be given back: %s", interface, network.name, error.message)


@dataclass(frozen=True, slots=True)
class _Asking:
    network: NetworkRecord
    endpoint_id: str
    mac: str
    container_id: str
    hostname: str

    def of(self, pool: Pool, wanted: Address | None) -> AddressRequest:
        return AddressRequest(
            network=self.network,
            pool=pool,
            wanted=wanted,
            mac=self.mac,
            endpoint_id=self.endpoint_id,
            container_id=self.container_id,
            hostname=self.hostname,
        )


def _request(record: ContainerRecord, network: NetworkRecord, endpoint_id: str, mac: str) -> _Asking:
    hostname = record.spec.networking.hostname or short_id(record.id)
    return _Asking(network, endpoint_id, mac, record.id, hostname)
