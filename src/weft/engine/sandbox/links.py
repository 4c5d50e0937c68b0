"""Legacy links (`--link` on the default bridge): what a container calls others, and what it may ask of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from weft.drivers.contract import Segmented
from weft.drivers.registry import Registry
from weft.engine.inventory import Inventory, link_targets
from weft.engine.sandbox.link_environment import link_environment
from weft.engine.sandbox.mode import DEFAULT_BRIDGE, identity_of
from weft.firewall.links import Flow, flows_allowed, flows_withdrawn
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, Endpoint
from weft.model.errors import InvalidParameter, SystemFailure
from weft.plan.plan import Plan

Pair = tuple[str, str]  # ids: who links, to whom


@dataclass(frozen=True, slots=True)
class Link:
    """A container under a name that another one gave it."""

    alias: str
    target: ContainerRecord


class Links:
    """Links of all containers. Addresses are kept here as sandboxes come and go, since records follow later."""

    def __init__(self, inventory: Inventory, drivers: Registry, *, environment: bool) -> None:
        self._inventory = inventory
        self._drivers = drivers
        self._environment = environment
        self._addresses: dict[str, IPv4Address] = {}  # of containers on a default bridge without icc
        self._held: dict[Pair, frozenset[Flow]] = {}

    def of(self, record: ContainerRecord) -> tuple[Link, ...]:
        """Return the links of a container in the order given, those to containers that were removed left out."""
        named = ((alias, self._inventory.containers.get(target)) for target, alias in link_targets(record))
        return tuple(Link(alias, target) for alias, target in named if target is not None)

    def linkers(self, container_id: str) -> Iterator[ContainerRecord]:
        """Yield the containers with a link to this one."""
        for linker in sorted(self._inventory.linkers.get(container_id, ())):
            yield self._inventory.containers[linker]

    def check(self, record: ContainerRecord) -> None:
        """Raise SystemFailure, in Docker's words, where a container that is about to start cannot reach a link."""
        if default_attachment(record) is None:
            return
        for link in self.of(record):
            if not link.target.state.is_running:
                raise SystemFailure(
                    f"Cannot link to a non running container: /{link.target.name} AS /{record.name}/{link.alias}"
                )
            if default_attachment(link.target) is None:
                raise SystemFailure(f"Cannot link to /{link.target.name}, as it does not belong to the default network")

    def host_entries(self, record: ContainerRecord) -> tuple[tuple[str, str], ...]:
        """Return the lines (address, names) that links add to the container's hosts file."""
        if default_attachment(record) is None:
            return ()
        entries = []
        for link in self.of(record):
            endpoint = default_endpoint(link.target)
            if endpoint is None:
                continue
            names = (link.alias, identity_of(link.target, "").hostname, link.target.name)
            text = " ".join(dict.fromkeys(names))
            # Without icc a link opens IPv4 alone, and programs that ask by name would try the other first.
            ipv6 = None if endpoint.ipv4 is not None and self._is_closed(endpoint.network_id) else endpoint.ipv6
            entries += [(str(interface.ip), text) for interface in (endpoint.ipv4, ipv6) if interface is not None]
        return tuple(entries)

    def variables(self, record: ContainerRecord) -> tuple[str, ...]:
        """Return the environment variables that links bring, as Docker had them before 29; none by default."""
        if not self._environment or default_attachment(record) is None:
            return ()
        found: list[str] = []
        for link in self.of(record):
            endpoint = default_endpoint(link.target)
            if endpoint is not None and endpoint.ipv4 is not None:
                found += link_environment(f"/{record.name}/{link.alias}", link.target.spec, endpoint.ipv4.ip)
        return tuple(found)

    # ── without icc, a link opens the target's exposed ports ──

    def restore(self) -> tuple[Flow, ...]:
        """Return what all links allow, by the records: for a table that is made anew."""
        running = [record for record in self._inventory.containers.values() if record.sandbox_id == record.id]
        for record in running:
            self._note(record)
        pairs = ((record.id, target) for record in running for target, _ in link_targets(record))
        self._held = {pair: flows for pair in pairs if (flows := self._wanted(pair, {}))}
        return tuple(flow for flows in self._held.values() for flow in flows)

    def settle(self, record: ContainerRecord) -> Plan:
        """Return what changes in the firewall now that a container has the endpoints of `record`."""
        self._note(record)
        pairs = {(record.id, target) for target, _ in link_targets(record)}
        pairs |= {(linker, record.id) for linker in self._inventory.linkers.get(record.id, ())}
        pairs |= {pair for pair in self._held if record.id in pair}
        plan = Plan()
        for pair in sorted(pairs):
            wanted, held = self._wanted(pair, {record.id: record}), self._held.pop(pair, frozenset())
            plan += flows_withdrawn(held - wanted) + flows_allowed(wanted - held)
            if wanted:
                self._held[pair] = wanted
        return plan

    def _note(self, record: ContainerRecord) -> None:
        endpoint = default_endpoint(record)
        if endpoint is None or endpoint.ipv4 is None or not self._is_closed(endpoint.network_id):
            self._addresses.pop(record.id, None)
        else:
            self._addresses[record.id] = endpoint.ipv4.ip

    def _is_closed(self, network_id: str) -> bool:
        network = self._inventory.networks.get(network_id)
        driver = self._drivers.get(network.driver) if network is not None else None
        return network is not None and isinstance(driver, Segmented) and not driver.segment(network).icc

    def _wanted(self, pair: Pair, changed: dict[str, ContainerRecord]) -> frozenset[Flow]:
        linker, target = (changed.get(each) or self._inventory.containers.get(each) for each in pair)
        source, destination = (self._addresses.get(each) for each in pair)
        if linker is None or target is None or source is None or destination is None:
            return frozenset()
        if all(target.id != each for each, _ in link_targets(linker)):
            return frozenset()
        return frozenset(Flow(source, destination, port) for port in target.spec.networking.exposed)


def default_attachment(record: ContainerRecord) -> Attachment | None:
    """Return the attachment to the default bridge, the only network with links of this kind."""
    return next((each for each in record.attachments if each.network_name == DEFAULT_BRIDGE), None)


def default_endpoint(record: ContainerRecord) -> Endpoint | None:
    """Return the endpoint on the default bridge, while there is one."""
    attachment = default_attachment(record)
    return attachment.endpoint if attachment is not None else None


def parse_link(text: str) -> tuple[str, str]:
    """Return (container, alias) of `container[:alias]`, or of `/container:/other/alias` as inspect shows it.

    Raises InvalidParameter in Docker's words.
    """
    if not text:
        raise InvalidParameter("empty string specified for links")
    container, *rest = text.split(":")
    if len(rest) > 1 or not container:
        raise InvalidParameter(f"bad format for links: {text}")
    alias = rest[0] if rest else container.removeprefix("/")
    if container.startswith("/"):
        container, alias = container[1:], alias.rpartition("/")[2]
    if not container or not alias:
        raise InvalidParameter(f"bad format for links: {text}")
    return container, alias
