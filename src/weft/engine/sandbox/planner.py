"""Plans of a whole sandbox: the drivers' parts, the default routes, the published ports."""

from collections.abc import Iterable

from weft.drivers.contract import Parented, Routed
from weft.drivers.rates import rates_of, shaping, unshaping
from weft.drivers.registry import Registry
from weft.engine.inventory import Inventory
from weft.engine.sandbox.gateways import Gateways, gateways_of
from weft.engine.sandbox.publisher import Publisher
from weft.firewall.publish import ports_published, ports_unpublished
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment
from weft.plan.operations import CreateSandbox, DeleteSandbox
from weft.plan.plan import Plan


class SandboxPlanner:
    """Joins plans; decides nothing that a driver or the firewall decides."""

    def __init__(self, inventory: Inventory, drivers: Registry, publisher: Publisher) -> None:
        self._inventory = inventory
        self._drivers = drivers
        self._publisher = publisher

    def raise_plan(self, record: ContainerRecord) -> Plan:
        """Return what makes a container's sandbox with all its endpoints."""
        plan = Plan() if record.sandbox_id else Plan((CreateSandbox(record.id),))  # remote drivers needed it before
        for attachment in record.attachments:
            plan += self._attach(attachment, record.id)
        return plan + self._routes(self._gateways(record), record.id) + self._published(record)

    def wire_plan(self, attachments: Iterable[Attachment], sandbox: str, *, made: bool) -> Plan:
        """Return what puts links without addresses into a sandbox, and makes that where it is not `made`."""
        plan = Plan() if made else Plan((CreateSandbox(sandbox),))
        for attachment in attachments:
            plan += self._attach(attachment, sandbox)
        return plan

    def unwire_plan(self, attachment: Attachment, sandbox: str) -> Plan:
        """Return what takes a link out of a sandbox again, to which no route nor port leads."""
        return self._detach(attachment, sandbox)

    def lower_plan(self, record: ContainerRecord) -> Plan:
        """Return what removes a container's sandbox with all its endpoints."""
        plan = ports_unpublished(self._publisher.publications(record))
        for attachment in record.attachments:
            plan += self._detach(attachment, record.sandbox_id)
        return plan + Plan((DeleteSandbox(record.sandbox_id),))

    def connect_plan(self, before: ContainerRecord, after: ContainerRecord, attachment: Attachment) -> Plan:
        """Return what adds an endpoint to a running sandbox, and moves routes and ports where it is the gateway."""
        return self._attach(attachment, after.sandbox_id) + self._moved(before, after)

    def disconnect_plan(self, before: ContainerRecord, after: ContainerRecord, attachment: Attachment) -> Plan:
        """Return what takes an endpoint out of a running sandbox, default routes and ports moved first."""
        return self._moved(before, after) + self._detach(attachment, before.sandbox_id)

    def _moved(self, before: ContainerRecord, after: ContainerRecord) -> Plan:
        was, now = self._gateways(before), self._gateways(after)
        plan = Plan()
        old, new = self._publisher.publications(before), self._publisher.publications(after)
        if old != new:
            plan += ports_unpublished(old)
        for version in (4, 6):
            former, current = was.attachment(version), now.attachment(version)
            if _network(former) != _network(current):
                plan += self._route(former, after.sandbox_id, version).inverse
                plan += self._route(current, after.sandbox_id, version)
        return plan + (ports_published(new) if old != new else Plan())

    def _attach(self, attachment: Attachment, sandbox: str) -> Plan:
        network = self._inventory.networks[attachment.network_id]
        endpoint, spec = attachment.endpoint, attachment.spec
        if endpoint is None or endpoint.leased:  # a lease is got on a link that is there
            return Plan()
        plan = self._drivers.get(network.driver).attach(network, endpoint, sandbox, spec)
        return plan + shaping(rates_of(spec.driver_options), network.spec, endpoint, sandbox)

    def _detach(self, attachment: Attachment, sandbox: str) -> Plan:
        network = self._inventory.networks.get(attachment.network_id)
        if attachment.endpoint is None or network is None:
            return Plan()
        driver, endpoint = self._drivers.get(network.driver), attachment.endpoint
        plan = unshaping(rates_of(attachment.spec.driver_options), endpoint, sandbox)
        if isinstance(driver, Parented):
            return plan + driver.leave(network, endpoint, sandbox)
        return plan + driver.detach(network, endpoint)

    def _routes(self, gateways: Gateways, sandbox: str) -> Plan:
        return self._route(gateways.ipv4, sandbox, 4) + self._route(gateways.ipv6, sandbox, 6)

    def _route(self, attachment: Attachment | None, sandbox: str, version: int) -> Plan:
        if attachment is None or attachment.endpoint is None:
            return Plan()
        network = self._inventory.networks[attachment.network_id]
        driver = self._drivers.get(network.driver)
        return (
            driver.gateway(network, attachment.endpoint, sandbox, (version,)) if isinstance(driver, Routed) else Plan()
        )

    def _published(self, record: ContainerRecord) -> Plan:
        return ports_published(self._publisher.publications(record))

    def _gateways(self, record: ContainerRecord) -> Gateways:
        return gateways_of(record, self._inventory.networks)


def _network(attachment: Attachment | None) -> str:
    return attachment.network_id if attachment is not None else ""
