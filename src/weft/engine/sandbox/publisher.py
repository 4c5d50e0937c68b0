"""Published ports of running containers: taken, moved with the gateway, given back."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address

from weft.engine.contract.kernel import Kernel
from weft.engine.inventory import Inventory
from weft.engine.sandbox.gateways import Gateways, own_gateways_of
from weft.engine.sandbox.ports import PortBook, PortDemand, requests_of
from weft.engine.settings import Settings
from weft.firewall.publication import Publication, publications
from weft.model.address import Address
from weft.model.container import ContainerRecord
from weft.model.errors import InvalidParameter, SystemFailure, WeftError
from weft.model.port import PortRequest, PublishedPort

_BINDING_OPTIONS = ("com.docker.network.bridge.host_binding_ipv4", "com.docker.network.bridge.host_binding_ipv6")


class Publisher:
    """Decides which host ports lead to a container."""

    def __init__(self, inventory: Inventory, kernel: Kernel, book: PortBook, settings: Settings) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._book = book
        self._settings = settings

    async def allocate(self, record: ContainerRecord) -> ContainerRecord:
        """Return the record with host ports taken for all that it publishes; errors in Docker's words."""
        return replace(record, ports=await self.take(record, requests_of(record.spec.networking)))

    async def take(
        self, record: ContainerRecord, requests: tuple[PortRequest, ...], instead_of: tuple[PublishedPort, ...] = ()
    ) -> tuple[PublishedPort, ...]:
        """Take host ports for `requests`; those of `instead_of` do not stand in the way, and stay taken."""
        if not requests:
            return ()
        gateways = own_gateways_of(record, self._inventory.networks)
        demand = PortDemand(
            requests,
            ipv4=gateways.address(4) is not None,
            ipv6=gateways.address(6) is not None,
            default_addresses=self._default_addresses(gateways),
        )
        listeners = await self._kernel.listeners()
        self._book.release(instead_of)
        try:
            self._check_addresses(requests, demand)
            return self._book.allocate(record.id, demand, listeners, self._kernel.ephemeral_ports())
        except WeftError as error:
            raise type(error)(
                f"failed to set up container networking: {_prefix(record, gateways)}{error.message}"
            ) from error
        finally:
            self._book.retake(record.id, instead_of)

    def _check_addresses(self, requests: tuple[PortRequest, ...], demand: PortDemand) -> None:
        """Raise, naming the address, where a user's host address is not the host's or cannot lead to the container."""
        for request in requests:
            address = request.host_address
            if address is None:
                continue
            shown = f"[{address}]" if address.version == 6 else str(address)
            if address.version == 6 and (address.is_loopback or not demand.ipv6):
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
        families = [(was.address(version) is None) == (now.address(version) is None) for version in (4, 6)]
        if all(families):
            return after
        self._book.release(before.ports)
        try:
            return await self.allocate(after)
        except BaseException:
            self._book.restore(before)
            raise

    def undo_move(self, before: ContainerRecord, after: ContainerRecord) -> None:
        """Take back a move whose plan failed."""
        self._book.release(after.ports)
        self._book.restore(before)

    def publications(self, record: ContainerRecord) -> tuple[Publication, ...]:
        """Return what leads to a running container."""
        gateways = own_gateways_of(record, self._inventory.networks)
        return tuple(
            publication
            for version in (4, 6)
            if (endpoint := gateways.endpoint(version)) is not None
            for publication in publications(_of_family(record.ports, version), endpoint)
        )


def _of_family(ports: tuple[PublishedPort, ...], version: int) -> tuple[PublishedPort, ...]:
    return tuple(port for port in ports if port.host_address.version == version)


def _prefix(record: ContainerRecord, gateways: Gateways) -> str:
    endpoint = gateways.endpoint(4) or gateways.endpoint(6)
    if endpoint is None:
        return ""
    return f"driver failed programming external connectivity on endpoint {record.name} ({endpoint.id}): "
