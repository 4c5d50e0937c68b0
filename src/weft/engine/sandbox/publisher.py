"""Published ports of running containers: taken, moved with the gateway, given back."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv6Address, ip_address

from weft.engine.contract.kernel import Kernel
from weft.engine.contract.relay import Relay, RelayedPort
from weft.engine.inventory import Inventory
from weft.engine.sandbox.gateways import Gateways, gateways_of, own_gateways_of
from weft.engine.sandbox.obstacles import Obstacles
from weft.engine.sandbox.ports import PortBook, PortDemand, requests_of
from weft.engine.sandbox.reach import Reach
from weft.engine.settings import Settings
from weft.firewall.publication import Publication, Way
from weft.firewall.publish import relay_listens
from weft.model.address import Address
from weft.model.container import ContainerRecord
from weft.model.errors import InvalidParameter, SystemFailure, WeftError
from weft.model.port import PortRequest, Protocol, PublishedPort

_log = logging.getLogger(__name__)
_BINDING_OPTIONS = ("com.docker.network.bridge.host_binding_ipv4", "com.docker.network.bridge.host_binding_ipv6")


class Publisher:
    """Decides which host ports lead to a container."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        book: PortBook,
        settings: Settings,
        reach: Reach,
        relay: Relay,
        obstacles: Obstacles,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._book = book
        self._settings = settings
        self._reach = reach
        self._relay = relay
        self.relay_port = 0  # where the firewall redirects to
        self._obstacles = obstacles

    async def allocate(self, record: ContainerRecord) -> ContainerRecord:
        """Return the record with host ports taken for all that it publishes; errors in Docker's words."""
        return replace(record, ports=await self.take(record, requests_of(record.spec.networking)))

    async def take(
        self, record: ContainerRecord, requests: tuple[PortRequest, ...], instead_of: tuple[PublishedPort, ...] = ()
    ) -> tuple[PublishedPort, ...]:
        """Take host ports for `requests`; those of `instead_of` do not stand in the way, and stay taken."""
        if not requests or self._is_beside_host(record):
            return ()
        self._obstacles.tell(record)
        gateways = own_gateways_of(record, self._inventory.networks)
        demand = PortDemand(
            requests,
            ipv4=self._reach.is_translated(gateways, 4),
            ipv6=self._reach.is_translated(gateways, 6),
            relayed=self._is_relayed(gateways),
            default_addresses=self._default_addresses(gateways),
        )
        listeners = await self._kernel.listeners() - self._relay.listeners()
        self._book.release(instead_of)
        try:
            self._check_addresses(requests, demand, self._reach.routed(record))
            taken = self._book.allocate(record.id, demand, listeners, self._kernel.ephemeral_ports())
            return taken + self._reach.routed_ports(record, requests)
        except WeftError as error:
            raise type(error)(
                f"failed to set up container networking: {_prefix(record, gateways)}{error.message}"
            ) from error
        finally:
            self._book.retake(record.id, instead_of)

    def _is_beside_host(self, record: ContainerRecord) -> bool:
        """Whether the container leaves by networks alone that are reached directly, so that its ports are ignored."""
        gateways = gateways_of(record, self._inventory.networks)
        ends = [endpoint for version in (4, 6) if (endpoint := gateways.endpoint(version)) is not None]
        if not ends or not all(endpoint.beside_host for endpoint in ends):
            return False
        names = sorted({self._inventory.networks[endpoint.network_id].name for endpoint in ends})
        _log.info(
            "container %s publishes ports, which is ignored: it is reached at its own address on network %s",
            record.name,
            ", ".join(names),
        )
        return True

    def _check_addresses(self, requests: tuple[PortRequest, ...], demand: PortDemand, routed: frozenset[int]) -> None:
        """Raise, naming the address, where a user's host address is not the host's or cannot lead to the container."""
        for request in requests:
            address = request.host_address
            if address is None or address.version in routed:  # where nothing is translated no address counts
                continue
            shown = f"[{address}]" if address.version == 6 else str(address)
            carried = self._relay.available and (demand.ipv6 or demand.relayed)
            carried = carried and request.container_port.protocol is not Protocol.SCTP
            if address.version == 6 and not carried and (address.is_loopback or not demand.ipv6):
                raise InvalidParameter(
                    f"cannot publish on {shown}: "
                    + ("the kernel does not forward from it" if demand.ipv6 else "the container has no IPv6 address")
                    + "; publish on an IPv4 address, or on an IPv6 address of the host from a network made with --ipv6"
                )
            if not address.is_unspecified and not self._kernel.is_local(address):
                port, protocol = request.host_first, request.container_port.protocol.value
                raise SystemFailure(
                    f"failed to bind host port {shown}:{port}/{protocol}: cannot assign requested address"
                )

    def _default_addresses(self, gateways: Gateways) -> tuple[Address, ...]:
        """Return the addresses that -p without one binds: the network's option, else the daemon's `ip`."""
        found: dict[int, Address] = {}
        if self._settings.host_binding is not None:
            found[self._settings.host_binding.version] = self._settings.host_binding
        for attachment, option in zip((gateways.ipv4, gateways.ipv6), _BINDING_OPTIONS, strict=True):
            network = self._inventory.networks.get(attachment.network_id) if attachment is not None else None
            given = network.spec.options.get(option, "") if network is not None else ""
            if given:
                address = ip_address(given)
                found[address.version] = address
        return tuple(address for address in found.values() if not address.is_unspecified)

    def give_back(self, ports: Iterable[PublishedPort]) -> None:
        """Give host ports back."""
        self._book.release(ports)

    def release(self, record: ContainerRecord) -> None:
        """Give the record's host ports back."""
        self._book.release(record.ports)

    async def move(self, before: ContainerRecord, after: ContainerRecord) -> ContainerRecord:
        """Return `after` with ports for its gateways: the same ones while it leads out by the same families."""
        was, now = (own_gateways_of(record, self._inventory.networks) for record in (before, after))
        families = [self._reach.is_translated(was, v) == self._reach.is_translated(now, v) for v in (4, 6)]
        if all(families) and self._reach.routed(before) == self._reach.routed(after):
            return after
        requests = requests_of(after.spec.networking)
        return replace(after, ports=await self.take(after, requests, instead_of=before.ports))

    def moved(self, before: ContainerRecord, after: ContainerRecord) -> None:
        """Give back what a move left, once it is out of the kernel: nobody may take it any sooner."""
        kept = {_place(port) for port in after.ports}
        self._book.release([port for port in before.ports if _place(port) not in kept])

    def _is_relayed(self, gateways: Gateways) -> bool:
        """Whether IPv6 addresses of the host lead to a container that has IPv4 alone."""
        beside = gateways.address(6) is not None  # an address of its own, that is reached without translation
        return self._relay.available and not beside and self._reach.is_translated(gateways, 4)

    def relayed(self, record: ContainerRecord) -> tuple[RelayedPort, ...]:
        """Return what the relay carries for a container: all of IPv6 where it has IPv4 alone, else what NAT cannot."""
        gateways = own_gateways_of(record, self._inventory.networks)
        if not self._relay.available:
            return ()
        version = 6 if self._reach.is_translated(gateways, 6) else 4
        endpoint, target = gateways.endpoint(version), gateways.address(version)
        if endpoint is None or target is None or (version == 4 and not self._is_relayed(gateways)):
            return ()
        return tuple(
            RelayedPort(
                port.container_port.protocol,
                port.host_address,
                port.host_port,
                target,
                port.container_port.number,
                self._reach.exposure(record, endpoint, port.container_port),
            )
            for port in record.ports
            if isinstance(port.host_address, IPv6Address)
            and port.host_port
            and port.container_port.protocol is not Protocol.SCTP
            and (version == 4 or _is_beyond_nat(port.host_address))
        )

    async def carry(self, record: ContainerRecord) -> None:
        """Let the relay carry what it is to carry for a container with these endpoints, and nothing else."""
        await self.begin_to_carry(record)
        await self.carried(record)

    async def carried(self, record: ContainerRecord) -> None:
        """Return when what `begin_to_carry` began is done."""
        await self._relay.settled(record.id)

    async def begin_to_carry(self, record: ContainerRecord) -> None:
        """Like `carry`, but return before the relay was told: all that can fail has been tried then."""
        await self._relay.settle(record.id, self.relayed(record))
        await self._redirect()

    async def follow_relay(self) -> None:
        """Redirect to where the relay listens, also when it had to move; runs until cancelled."""
        async for _ in self._relay.moved():
            try:
                await self._redirect()
            except WeftError as error:
                _log.error("published IPv6 ports do not lead to weft-relay: %s", error.message)

    async def _redirect(self) -> None:
        if self._relay.port != self.relay_port:
            plan = relay_listens(self.relay_port, self._relay.port)
            self.relay_port = self._relay.port
            await self._kernel.apply(plan)

    def find_relay(self) -> None:
        """Take note of the relay's port before the firewall is made: nothing was there to redirect until then."""
        self.relay_port = self._relay.port

    def undo_move(self, before: ContainerRecord, after: ContainerRecord) -> None:
        """Take back a move whose plan failed."""
        self._book.release(after.ports)
        self._book.restore(before)

    def publications(self, record: ContainerRecord) -> tuple[Publication, ...]:
        """Return what leads to a running container."""
        gateways = own_gateways_of(record, self._inventory.networks)
        carried = [_relayed(port, record.id) for port in self.relayed(record) if port.protocol is Protocol.TCP]
        return (*self._reach.publications(record, gateways), *carried)


def _place(port: PublishedPort) -> tuple[object, ...]:
    return port.container_port.protocol, port.host_address, port.host_port


def _relayed(port: RelayedPort, owner: str) -> Publication:
    """Return what leads from a port of the host to the relay."""
    way = Way.RELAYED_HERE if port.address.version == 6 and port.host_address.is_unspecified else Way.RELAYED
    host = (port.host_address, port.host_port)
    return Publication(port.protocol, *host, *host, way=way, owner=owner)


def _is_beyond_nat(address: IPv6Address) -> bool:
    # Answers from ::1 never leave the host's loopback, and link-local addresses are not forwarded.
    return address.is_unspecified or address.is_loopback or address.is_link_local


def _prefix(record: ContainerRecord, gateways: Gateways) -> str:
    endpoint = gateways.endpoint(4) or gateways.endpoint(6)
    if endpoint is None:
        return ""
    return f"driver failed programming external connectivity on endpoint {record.name} ({endpoint.id}): "
