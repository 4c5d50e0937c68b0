"""Addresses of endpoints: one allocator a pool, rebuilt from the records at start."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from weft.engine.networks.ipams import is_outside
from weft.ipam.pool import AddressPool
from weft.model.container import ContainerRecord
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import WeftError
from weft.model.network import NetworkRecord


class AddressBook:
    """Which addresses of which network are taken."""

    def __init__(self) -> None:
        self._pools: dict[str, dict[int, AddressPool]] = {}

    def restore(self, networks: Iterable[NetworkRecord], containers: Iterable[ContainerRecord]) -> None:
        """Take what the records hold."""
        for network in networks:
            self.add(network)
        for container in containers:
            for attachment in container.attachments:
                if attachment.endpoint is not None and attachment.network_id in self._pools:
                    self._retake(attachment.endpoint)

    def _retake(self, endpoint: Endpoint) -> None:
        pools = self._pools[endpoint.network_id]
        for interface in (endpoint.ipv4, endpoint.ipv6):
            if interface is not None and interface.version in pools:
                pools[interface.version].take(interface.ip)

    def add(self, network: NetworkRecord) -> None:
        """Begin to hand out addresses of a network, unless that is an IPAM driver's outside."""
        if is_outside(network.spec):
            return
        self._pools[network.id] = {pool.subnet.version: AddressPool(pool) for pool in reversed(network.pools)}

    def forget(self, network_id: str) -> None:
        """Stop handing out addresses of a network."""
        self._pools.pop(network_id, None)

    def take(self, network: NetworkRecord, spec: EndpointSpec) -> tuple[IPv4Interface | None, IPv6Interface | None]:
        """Take one address a family, those of `spec` where it names them; all or none."""
        pools = self._pools.get(network.id, {})
        ipv4 = pools[4].take(spec.ipv4) if 4 in pools else None
        try:
            ipv6 = pools[6].take(spec.ipv6) if 6 in pools else None
        except WeftError:
            if ipv4 is not None:
                pools[4].release(ipv4.ip)
            raise
        return _ipv4(ipv4), _ipv6(ipv6)

    def release(self, endpoint: Endpoint) -> None:
        """Give an endpoint's addresses back."""
        pools = self._pools.get(endpoint.network_id, {})
        for interface in (endpoint.ipv4, endpoint.ipv6):
            if interface is not None and interface.version in pools:
                pools[interface.version].release(interface.ip)


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
