"""Ports published and withdrawn while a container runs, all of one change or none."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from weft.drivers.contract import Remote
from weft.drivers.registry import Registry
from weft.engine.contract.kernel import Kernel
from weft.engine.inventory import Inventory
from weft.engine.sandbox.bindings import Binding, asking_for, bindings_of, check_apart
from weft.engine.sandbox.gateways import gateways_of
from weft.engine.sandbox.ports import requests_of
from weft.engine.sandbox.publisher import Publisher
from weft.firewall.publish import ports_changed
from weft.model.address import Address
from weft.model.container import ContainerRecord
from weft.model.errors import Conflict
from weft.model.port import PortRequest, Protocol, PublishedPort


class PortChange:
    """Brings kernel and record from the ports that a container has to those that it shall have.

    Callers hold the container's lock.
    """

    def __init__(self, inventory: Inventory, drivers: Registry, kernel: Kernel, publisher: Publisher) -> None:
        self._inventory = inventory
        self._drivers = drivers
        self._kernel = kernel
        self._publisher = publisher

    def bindings(self, record: ContainerRecord) -> tuple[Binding, ...]:
        """Return what the container asks for, and what is in force for it."""
        return bindings_of(requests_of(record.spec.networking), record.ports)

    async def make(
        self, record: ContainerRecord, stay: Sequence[Binding], added: Sequence[PortRequest] = ()
    ) -> ContainerRecord:
        """Keep the bindings `stay` as they are, withdraw the others, publish `added`; save the record and return it.

        Without a sandbox they count from the next start. Conflict, SystemFailure or InvalidParameter in Docker's words.
        """
        requests = (*(binding.request for binding in stay), *added)
        check_apart(requests)
        networking = asking_for(record.spec.networking, requests)
        changed = replace(record, spec=replace(record.spec, networking=networking))
        if record.sandbox_id != record.id:
            self._inventory.save(changed)
            return changed
        self._check_gateways(record)
        kept = [port for binding in stay for port in binding.ports]
        gone = tuple(port for port in record.ports if port not in set(kept))
        taken = await self._publisher.take(changed, tuple(added), instead_of=gone)
        changed = replace(changed, ports=(*kept, *taken))
        try:
            await self._put_in_force(record, changed)
        except BaseException:
            self._publisher.give_back(_besides(taken, gone))
            raise
        self._publisher.give_back(_besides(gone, taken))
        return changed

    def _check_gateways(self, record: ContainerRecord) -> None:
        gateways = gateways_of(record, self._inventory.networks)
        for attachment in (gateways.ipv4, gateways.ipv6):
            network = self._inventory.networks[attachment.network_id] if attachment is not None else None
            if network is not None and isinstance(self._drivers.get(network.driver), Remote):
                raise Conflict(
                    f"container {record.name} leads out by network {network.name}, whose driver {network.driver} "
                    "learns of ports when the container starts: stop the container, then change its ports"
                )

    async def _put_in_force(self, record: ContainerRecord, changed: ContainerRecord) -> None:
        plan = ports_changed(self._publisher.publications(record), self._publisher.publications(changed))
        await self._kernel.apply(plan)
        try:
            await self._publisher.carry(changed)
            self._inventory.save(changed)
        except BaseException:
            await self._publisher.carry(record)
            await self._kernel.teardown(plan.inverse)
            raise


def _besides(ports: Iterable[PublishedPort], others: Iterable[PublishedPort]) -> list[PublishedPort]:
    """Return the ports of which the host's side is none of the others', whatever port of the container they lead to."""
    held = {_place(port) for port in others}
    return [port for port in ports if _place(port) not in held]


def _place(port: PublishedPort) -> tuple[Protocol, Address, int]:
    return port.container_port.protocol, port.host_address, port.host_port


def split(
    bindings: Sequence[Binding], requests: Sequence[PortRequest]
) -> tuple[tuple[Binding, ...], tuple[PortRequest, ...]]:
    """Return the bindings that `requests` ask for, and the requests that have none yet."""
    wanted = Counter(requests)
    stay: list[Binding] = []
    for binding in bindings:
        if wanted[binding.request]:
            wanted[binding.request] -= 1
            stay.append(binding)
    return tuple(stay), tuple(wanted.elements())
