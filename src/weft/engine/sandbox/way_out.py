"""The way out of containers of which no network leads anywhere: docker_gwbridge, a bridge with masquerading."""

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network

from weft.drivers.bridge_options import ICC, MASQUERADE, NAME
from weft.drivers.contract import Gatewayless
from weft.drivers.registry import Registry
from weft.engine.inventory import Inventory
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment
from weft.model.network import NetworkRecord, NetworkSpec

_DEFAULT_ROUTE = IPv4Network("0.0.0.0/0")
GATEWAY_NETWORK = "docker_gwbridge"


def gateway_network_spec() -> NetworkSpec:
    """Return the network as it is made on demand; one that a user made before with its name is used as it is."""
    options = {NAME: GATEWAY_NETWORK, ICC: "false", MASQUERADE: "true"}
    return NetworkSpec(name=GATEWAY_NETWORK, driver="bridge", options=options)


class WayOut:
    """Says who needs it. `network` returns the record of docker_gwbridge, made where it is missing."""

    def __init__(
        self, inventory: Inventory, drivers: Registry, network: Callable[[], Awaitable[NetworkRecord]]
    ) -> None:
        self._inventory = inventory
        self._drivers = drivers
        self._network = network

    def is_needed(self, record: ContainerRecord) -> bool:
        """Whether a live endpoint wants one and none leads out by itself; static default routes lead out too."""
        wanted = False
        for attachment in record.attachments:
            endpoint, network = attachment.endpoint, self._inventory.networks.get(attachment.network_id)
            if endpoint is None or network is None or attachment.implicit or network.spec.internal:
                continue
            if endpoint.gateway_ipv4 is not None:
                return False
            if any(
                route.destination.prefixlen == 0 and route.destination.version == 4 for route in endpoint.static_routes
            ):
                return False
            driver = self._drivers.get(network.driver)
            wanted = wanted or (isinstance(driver, Gatewayless) and not endpoint.disable_gateway_service)
        return wanted

    def present(self, record: ContainerRecord) -> Attachment | None:
        """Return the attachment to it that the engine made."""
        return next((attachment for attachment in record.attachments if attachment.implicit), None)

    async def attachment(self) -> Attachment:
        """Return a new attachment to it."""
        network = await self._network()
        return Attachment(network_id=network.id, network_name=network.name, implicit=True)
