"""How a container's published ports are reached: through the host's, at its own addresses, and by whom."""

from collections.abc import Iterable
from functools import partial

from weft.drivers.contract import Segmented
from weft.drivers.registry import Registry
from weft.engine.contract.kernel import ANY_IPV4, ANY_IPV6
from weft.engine.inventory import Inventory
from weft.engine.sandbox.gateways import Gateways
from weft.firewall.publication import Publication, publications
from weft.model.address import Address
from weft.model.container import ContainerRecord
from weft.model.endpoint import Endpoint
from weft.model.exposure import Exposure, exposure_of
from weft.model.network import NetworkRecord
from weft.model.port import ContainerPort, PortRequest, PublishedPort
from weft.model.segment import Segment

_ANYWHERE: dict[int, Address] = {4: ANY_IPV4, 6: ANY_IPV6}


class Reach:
    """Reads networks' gateway modes and policies. `exposure` is the daemon's policy."""

    def __init__(self, inventory: Inventory, drivers: Registry, exposure: Exposure) -> None:
        self._inventory = inventory
        self._drivers = drivers
        self._exposure = exposure

    def is_translated(self, gateways: Gateways, version: int) -> bool:
        """Whether ports of the host lead to the container in IP `version`."""
        endpoint = gateways.endpoint(version)
        if endpoint is None or gateways.address(version) is None:
            return False
        segment = self._segment(endpoint)
        return segment is None or version not in segment.routed

    def exposure(self, record: ContainerRecord, endpoint: Endpoint, port: ContainerPort) -> Exposure:
        """Return who may use a published port of a container."""
        return self._exposure_of(record, self._network(endpoint), port)

    def routed(self, record: ContainerRecord) -> frozenset[int]:
        """Return the IP versions in which some network reaches the container's ports without translation."""
        found: set[int] = set()
        for endpoint in _endpoints(record):
            segment = self._segment(endpoint)
            if segment is not None and not segment.internal:
                found |= {version for version in segment.routed if _has(endpoint, version)}
        return frozenset(found)

    def routed_ports(self, record: ContainerRecord, requests: Iterable[PortRequest]) -> tuple[PublishedPort, ...]:
        """Return what routed networks make of `requests`: ports of no port of the host, at every address."""
        versions = sorted(self.routed(record))
        wanted = (request for request in requests if versions)
        return tuple(
            PublishedPort(request.container_port, _ANYWHERE[version], 0)
            for request in wanted
            for version in versions
            if request.host_address is None or request.host_address.version == version
        )

    def publications(self, record: ContainerRecord, gateways: Gateways) -> tuple[Publication, ...]:
        """Return what leads to a running container: ports of the host, and its own where they are reached as such."""
        found: list[Publication] = []
        for version in (4, 6):
            ports = [port for port in record.ports if port.host_address.version == version]
            endpoint = gateways.endpoint(version)
            if endpoint is not None:
                found += self._leading_to(record, endpoint, version, [port for port in ports if port.host_port])
            own = [port for port in ports if not port.host_port]
            for end in _endpoints(record) if own else ():
                segment = self._segment(end)
                if segment is not None and version in segment.routed and not segment.internal:
                    found += self._leading_to(record, end, version, own)
        return tuple(dict.fromkeys(found))

    def _leading_to(
        self, record: ContainerRecord, endpoint: Endpoint, version: int, ports: Iterable[PublishedPort]
    ) -> tuple[Publication, ...]:
        network, segment = self._network(endpoint), self._segment(endpoint)
        direct = segment is not None and segment.is_direct(version)
        exposure = partial(self._exposure_of, record, network)
        return publications(ports, endpoint, direct=direct, exposure=exposure)

    def _exposure_of(self, record: ContainerRecord, network: NetworkRecord | None, port: ContainerPort) -> Exposure:
        options = network.spec.options if network is not None else {}
        return exposure_of(port, record.spec.labels, options, self._exposure)

    def _network(self, endpoint: Endpoint) -> NetworkRecord | None:
        return self._inventory.networks.get(endpoint.network_id)

    def _segment(self, endpoint: Endpoint) -> Segment | None:
        network = self._network(endpoint)
        driver = self._drivers.get(network.driver) if network is not None else None
        return driver.segment(network) if network is not None and isinstance(driver, Segmented) else None


def _endpoints(record: ContainerRecord) -> tuple[Endpoint, ...]:
    return tuple(each.endpoint for each in record.attachments if each.endpoint is not None)


def _has(endpoint: Endpoint, version: int) -> bool:
    return (endpoint.ipv4 if version == 4 else endpoint.ipv6) is not None
