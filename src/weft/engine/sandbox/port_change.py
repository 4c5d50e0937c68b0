"""Ports published and withdrawn while a container runs, all of one change or none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from weft.engine.contract.kernel import Kernel
from weft.engine.inventory import Inventory
from weft.engine.sandbox.bindings import Binding, asking_for, bindings_of, check_apart
from weft.engine.sandbox.ports import requests_of
from weft.engine.sandbox.publisher import Publisher
from weft.firewall.publish import ports_changed
from weft.model.container import ContainerRecord
from weft.model.port import PortRequest, PublishedPort


class PortChange:
    """Brings kernel and record from the ports that a container has to those that it shall have.

    Callers hold the container's lock.
    """

    def __init__(self, inventory: Inventory, kernel: Kernel, publisher: Publisher) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._publisher = publisher

    def bindings(self, record: ContainerRecord) -> tuple[Binding, ...]:
        """Return what the container asks for, and what is in force for it."""
        return bindings_of(requests_of(record.spec.networking), record.ports)

    async def make(self, record: ContainerRecord, requests: Sequence[PortRequest]) -> ContainerRecord:
        """Publish exactly `requests` and save the record, which is returned; what is published already stays untouched.

        Without a sandbox they count from the next start. Conflict, SystemFailure or InvalidParameter in Docker's words.
        """
        check_apart(requests)
        networking = asking_for(record.spec.networking, requests)
        changed = replace(record, spec=replace(record.spec, networking=networking))
        if record.sandbox_id != record.id:
            self._inventory.save(changed)
            return changed
        kept, added = _split(self.bindings(record), requests)
        gone = tuple(port for port in record.ports if port not in kept)
        taken = await self._publisher.take(changed, added, instead_of=gone)
        changed = replace(changed, ports=(*kept, *taken))
        try:
            await self._put_in_force(record, changed)
        except BaseException:
            self._publisher.give_back(port for port in taken if port not in gone)
            raise
        self._publisher.give_back(port for port in gone if port not in taken)
        return changed

    async def _put_in_force(self, record: ContainerRecord, changed: ContainerRecord) -> None:
        plan = ports_changed(self._publisher.publications(record), self._publisher.publications(changed))
        await self._kernel.apply(plan)
        try:
            self._inventory.save(changed)
        except BaseException:
            await self._kernel.teardown(plan.inverse)
            raise


def _split(
    bindings: Sequence[Binding], requests: Sequence[PortRequest]
) -> tuple[tuple[PublishedPort, ...], tuple[PortRequest, ...]]:
    """Return the ports in force for requests that were there before, and the requests that are new."""
    wanted = Counter(requests)
    kept: list[PublishedPort] = []
    for binding in bindings:
        if wanted[binding.request]:
            wanted[binding.request] -= 1
            kept += binding.ports
    added: list[PortRequest] = []
    for request in requests:
        if wanted[request]:
            wanted[request] -= 1
            added.append(request)
    return tuple(kept), tuple(added)
