"""Changes to a container that exists: its published ports, its restart policy."""

from collections.abc import Sequence
from dataclasses import replace

from weft.engine.containers.attributes import event_attributes
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.engine.sandbox.bindings import without
from weft.engine.sandbox.mode import is_host, joined_container
from weft.engine.sandbox.port_change import PortChange, split
from weft.model.container import ContainerRecord, RestartPolicy, Status
from weft.model.errors import Conflict, InvalidParameter
from weft.model.port import PortRequest


class Changes:
    """Each change is made under the container's lock and said in an `update` event."""

    def __init__(self, inventory: Inventory, locks: Locks, ports: PortChange, events: EventBus) -> None:
        self._inventory = inventory
        self._locks = locks
        self._ports = ports
        self._events = events

    async def publish(self, reference: str, requests: Sequence[PortRequest]) -> ContainerRecord:
        """Publish further ports, at once if the container runs, else from its next start."""
        container_id = self._inventory.find_container(reference).id
        async with self._locks.hold(container_id):
            record = self._changeable(container_id)
            _check_mode(record)
            record = await self._ports.make(record, self._ports.bindings(record), requests)
        return self._said(record)

    async def withdraw(self, reference: str, withdrawals: Sequence[PortRequest]) -> ContainerRecord:
        """Withdraw ports: a request without a host port means all bindings of its container port."""
        container_id = self._inventory.find_container(reference).id
        async with self._locks.hold(container_id):
            record = self._changeable(container_id)
            record = await self._ports.make(record, without(self._ports.bindings(record), withdrawals, record.name))
        return self._said(record)

    async def update(
        self, reference: str, *, ports: Sequence[PortRequest] | None, restart: RestartPolicy | None
    ) -> ContainerRecord:
        """Give the container these ports in place of those it has, and another restart policy; None leaves either."""
        container_id = self._inventory.find_container(reference).id
        async with self._locks.hold(container_id):
            record = self._changeable(container_id)
            if restart is not None:
                _check_restart(record, restart)
                record = replace(record, spec=replace(record.spec, restart=restart))
            if ports is not None:
                _check_mode(record)
                record = await self._ports.make(record, *split(self._ports.bindings(record), ports))
            elif restart is not None:
                self._inventory.save(record)
        return self._said(record)

    def _changeable(self, container_id: str) -> ContainerRecord:
        record = self._inventory.find_container(container_id)
        if record.state.status in (Status.REMOVING, Status.DEAD):
            raise Conflict(
                f'Cannot update container {record.id}: Container is marked for removal and cannot be "update".'
            )
        return record

    def _said(self, record: ContainerRecord) -> ContainerRecord:
        self._events.emit("container", "update", record.id, event_attributes(record))
        return record


def _check_mode(record: ContainerRecord) -> None:
    mode = record.spec.networking.mode
    if is_host(mode):
        raise Conflict(
            f"container {record.name} is in network mode host: its ports are the host's own and need no publishing"
        )
    if joined_container(mode) is not None:
        raise InvalidParameter("conflicting options: port publishing and the container type network mode")


def _check_restart(record: ContainerRecord, policy: RestartPolicy) -> None:
    if record.spec.auto_remove and policy.name != "no":
        raise Conflict("Restart policy cannot be updated because AutoRemove is enabled for the container")
