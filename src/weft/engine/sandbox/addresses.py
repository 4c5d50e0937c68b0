"""Addresses of endpoints: one allocator a pool, rebuilt from the records at start."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from weft.engine.networks.ipams import is_outside
from weft.ipam.pool import AddressPool
from weft.model.address import Address, Interface
from weft.model.address import Network as Subnet
from weft.model.container import ContainerRecord
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Forbidden, Unavailable, WeftError
from weft.model.network import NetworkRecord, Pool


class AddressBook:
    """Which addresses of which network are taken."""

    def __init__(self) -> None:
        self._pools: dict[str, list[AddressPool]] = {}
        self._neighbours: defaultdict[Subnet, list[AddressPool]] = defaultdict(list)  # those of one and the same subnet

    def restore(self, networks: Iterable[NetworkRecord], containers: Iterable[ContainerRecord]) -> None:
        """Take what the records hold."""
        for network in networks:
            self.add(network)
        for container in containers:
            for attachment in container.attachments:
                if attachment.endpoint is not None and attachment.network_id in self._pools:
                    self._retake(attachment.endpoint)

    def _retake(self, endpoint: Endpoint) -> None:
        for interface in (endpoint.ipv4, endpoint.ipv6):
            pool = self._holder(endpoint.network_id, interface.ip) if interface is not None else None
            if pool is not None and interface is not None:
                pool.take(interface.ip)

    def add(self, network: NetworkRecord) -> None:
        """Begin to hand out addresses of a network, unless that is an IPAM driver's outside."""
        if is_outside(network.spec):
            return
        self.forget(network.id)
        self._pools[network.id] = []
        for pool in network.pools:
            neighbours = self._neighbours[pool.subnet]
            allocator = AddressPool(pool, neighbours)
            neighbours.append(allocator)
            self._pools[network.id].append(allocator)

    def forget(self, network_id: str) -> None:
        """Stop handing out addresses of a network."""
        for allocator in self._pools.pop(network_id, []):
            neighbours = self._neighbours[allocator.pool.subnet]
            neighbours.remove(allocator)
            if not neighbours:
                del self._neighbours[allocator.pool.subnet]

    def reserve(self, pools: tuple[Pool, ...], names: Iterable[str]) -> tuple[Pool, ...]:
        """Return the pools of a new network with an auxiliary address of each name that they do not have yet.

        Raises Unavailable where there is none left, Forbidden where another network of a subnet holds what is reserved.
        """
        found = []
        for pool in pools:
            neighbours = tuple(self._neighbours.get(pool.subnet, ()))
            for address in pool.aux_addresses.values():
                if any(each.holds(int(address)) for each in neighbours):
                    raise Forbidden(f"failed to allocate secondary ip address ({address}): Address already in use")
            if pool.gateway is not None and any(each.has_taken(pool.gateway) for each in neighbours):
                raise Forbidden(f"failed to allocate gateway ({pool.gateway}): Address already in use")
            for name in names:
                if name not in pool.aux_addresses:
                    address = AddressPool(pool, neighbours).take().ip
                    pool = replace(pool, aux_addresses={**pool.aux_addresses, name: address})
            found.append(pool)
        return tuple(found)

    def take(self, network: NetworkRecord, spec: EndpointSpec) -> tuple[IPv4Interface | None, IPv6Interface | None]:
        """Take one address a family, those of `spec` where it names them; all or none."""
        ipv4 = self._take(network.id, 4, spec.ipv4)
        try:
            ipv6 = self._take(network.id, 6, spec.ipv6)
        except WeftError:
            if ipv4 is not None:
                self._release(network.id, ipv4.ip)
            raise
        return _ipv4(ipv4), _ipv6(ipv6)

    def _take(self, network_id: str, version: int, wanted: Address | None) -> Interface | None:
        """Take an address of the pool that it lies in, or of the first pool that has one left; None without a pool."""
        pools = [pool for pool in self._pools.get(network_id, []) if pool.pool.subnet.version == version]
        if wanted is not None:
            pools = [pool for pool in pools if wanted in pool.pool.subnet] or pools[:1]
        for place, pool in enumerate(pools):
            try:
                return pool.take(wanted)
            except Unavailable:
                if place == len(pools) - 1:
                    raise
        return None

    def release(self, endpoint: Endpoint) -> None:
        """Give an endpoint's addresses back."""
        for interface in (endpoint.ipv4, endpoint.ipv6):
            if interface is not None:
                self._release(endpoint.network_id, interface.ip)

    def _release(self, network_id: str, address: Address) -> None:
        pool = self._holder(network_id, address)
        if pool is not None:
            pool.release(address)

    def _holder(self, network_id: str, address: Address) -> AddressPool | None:
        """Return the network's pool that an address lies in."""
        pools = self._pools.get(network_id, [])
        return next((pool for pool in pools if address in pool.pool.subnet), None)


def _ipv4(interface: object) -> IPv4Interface | None:
    return interface if isinstance(interface, IPv4Interface) else None


def _ipv6(interface: object) -> IPv6Interface | None:
    return interface if isinstance(interface, IPv6Interface) else None


def version_4(address: object) -> IPv4Address | None:
    """Return `address` if it is an IPv4 one, else None."""
    return address if isinstance(address, IPv4Address) else None


def version_6(address: object) -> IPv6Address | None:
    """Return `address` if it is an IPv6 one, else None."""
    return address if isinstance(address, IPv6Address) else None
