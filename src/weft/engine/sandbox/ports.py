"""Host ports: which are taken, and what a container's requests come to; pure, in memory."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from weft.engine.contract.kernel import ANY_IPV4, ANY_IPV6, Listener
from weft.model.address import Address
from weft.model.container import ContainerRecord, NetworkingSpec
from weft.model.errors import Conflict, SystemFailure
from weft.model.port import ContainerPort, PortRequest, Protocol, PublishedPort

Key = tuple[Protocol, int]


@dataclass(frozen=True, slots=True)
class PortDemand:
    """What to bind for one container: its requests, and the families that its gateway endpoints have."""

    requests: tuple[PortRequest, ...]
    ipv4: bool
    ipv6: bool
    relayed: bool = False  # IPv6 addresses of the host lead to the container's IPv4 one, through the relay
    default_addresses: tuple[Address, ...] = ()  # of `ip` in daemon.json or the network's host_binding options


def requests_of(networking: NetworkingSpec) -> tuple[PortRequest, ...]:
    """Return the bindings asked for with -p, and with -P one for each exposed port that has none."""
    if not networking.publish_all:
        return networking.ports
    bound = {request.container_port for request in networking.ports}
    return networking.ports + tuple(PortRequest(port) for port in networking.exposed if port not in bound)


class PortBook:
    """The host ports that containers hold."""

    def __init__(self) -> None:
        self._taken: dict[Key, dict[Address, str]] = defaultdict(dict)
        self._last: dict[Protocol, int] = {}

    def restore(self, record: ContainerRecord) -> None:
        """Take what a running container holds."""
        self.retake(record.id, record.ports)
        endpoints = (attachment.endpoint for attachment in record.attachments)
        self.retake(record.id, [port for endpoint in endpoints if endpoint is not None for port in endpoint.ports])

    def claim(self, container_id: str, ports: Collection[PublishedPort]) -> None:
        """Take ports that a driver outside forwards for a container; Conflict, in Docker's words, takes none."""
        for port in ports:
            problem = self._obstacle(port.container_port.protocol, port.host_port, (port.host_address,), {})
            if problem is not None:
                raise problem
        self.retake(container_id, ports)

    def disclaim(self, container_id: str, ports: Iterable[PublishedPort]) -> None:
        """Give back those of these ports that the container holds."""
        for port in ports:
            holders = self._taken.get((port.container_port.protocol, port.host_port), {})
            if holders.get(port.host_address) == container_id:
                self.release([port])

    def retake(self, container_id: str, ports: Iterable[PublishedPort]) -> None:
        """Take ports that are known to be free."""
        for port in ports:
            if port.host_port:
                self._taken[port.container_port.protocol, port.host_port][port.host_address] = container_id

    def release(self, ports: Iterable[PublishedPort]) -> None:
        """Give ports back."""
        for port in ports:
            key = (port.container_port.protocol, port.host_port)
            holders = self._taken.get(key)
            if holders is not None:
                holders.pop(port.host_address, None)
                if not holders:
                    del self._taken[key]

    def allocate(
        self, container_id: str, demand: PortDemand, listeners: frozenset[Listener], ephemeral: range
    ) -> tuple[PublishedPort, ...]:
        """Take host ports for all requests or none. Conflict or SystemFailure in Docker's words name a port taken."""
        occupied: dict[Key, list[Address]] = defaultdict(list)
        for listener in listeners:
            occupied[listener.protocol, listener.port].append(listener.address)
        taken: list[PublishedPort] = []
        try:
            for port, requests in _grouped(demand.requests).items():
                self._bind(container_id, port, requests, demand, occupied, ephemeral, taken)
        except (Conflict, SystemFailure):
            self.release(taken)
            raise
        return tuple(taken)

    def _bind(
        self,
        container_id: str,
        port: ContainerPort,
        requests: list[PortRequest],
        demand: PortDemand,
        occupied: dict[Key, list[Address]],
        ephemeral: range,
        taken: list[PublishedPort],
    ) -> None:
        chosen: dict[tuple[int, int], int] = {}  # one ephemeral port serves all addresses of a container port
        for request in requests:
            addresses = _addresses(request, demand)
            span = (request.host_first, request.host_last)
            if span in chosen and self._obstacle(port.protocol, chosen[span], addresses, occupied) is None:
                number = chosen[span]
            else:
                number = self._choose(port.protocol, request, addresses, occupied, ephemeral)
            if span[0] == 0:
                chosen[span] = number
            for address in addresses:
                self._taken[port.protocol, number][address] = container_id
                taken.append(PublishedPort(port, address, number))

    def _choose(
        self,
        protocol: Protocol,
        request: PortRequest,
        addresses: tuple[Address, ...],
        occupied: dict[Key, list[Address]],
        ephemeral: range,
    ) -> int:
        if not addresses:
            return request.host_first
        problem: Exception | None = None
        for number in self._candidates(protocol, request, ephemeral):
            problem = self._obstacle(protocol, number, addresses, occupied)
            if problem is None:
                if request.host_first == 0:
                    self._last[protocol] = number
                return number
        raise problem or SystemFailure("all ports are allocated: widen net.ipv4.ip_local_port_range")

    def _candidates(self, protocol: Protocol, request: PortRequest, ephemeral: range) -> Iterable[int]:
        if request.host_first:
            return range(request.host_first, request.host_last + 1)
        last = self._last.get(protocol, ephemeral.start - 1)
        start = last + 1 if last + 1 in ephemeral else ephemeral.start
        return (*range(start, ephemeral.stop), *range(ephemeral.start, start))

    def _obstacle(
        self, protocol: Protocol, number: int, addresses: tuple[Address, ...], occupied: dict[Key, list[Address]]
    ) -> Exception | None:
        key = (protocol, number)
        for address in addresses:
            if any(_overlap(address, other) for other in self._taken.get(key, ())):
                return Conflict(f"Bind for {_shown(address)}:{number} failed: port is already allocated")
            if any(_overlap(address, other) for other in occupied.get(key, ())):
                return SystemFailure(
                    f"failed to bind host port {_shown(address)}:{number}/{protocol.value}: address already in use"
                )
        return None


def _grouped(requests: Iterable[PortRequest]) -> dict[ContainerPort, list[PortRequest]]:
    groups: dict[ContainerPort, list[PortRequest]] = defaultdict(list)
    for request in requests:
        groups[request.container_port].append(request)
    return groups


def _addresses(request: PortRequest, demand: PortDemand) -> tuple[Address, ...]:
    relayed = demand.relayed and request.container_port.protocol is not Protocol.SCTP
    families = {4: demand.ipv4, 6: demand.ipv6 or relayed}
    if request.host_address is not None:
        return (request.host_address,) if families[request.host_address.version] else ()
    defaults = {address.version: address for address in demand.default_addresses}
    everywhere: tuple[Address, ...] = (ANY_IPV4, ANY_IPV6)
    # an IPv4 binding given as default means that nothing is bound on [::] by accident
    versions = tuple(defaults) or (4, 6)
    wanted = (defaults.get(address.version, address) for address in everywhere if address.version in versions)
    return tuple(address for address in wanted if families[address.version])


def _overlap(one: Address, other: Address) -> bool:
    return one.version == other.version and (one == other or one.is_unspecified or other.is_unspecified)


def _shown(address: Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)
