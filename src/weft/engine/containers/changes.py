"""Changes to a container that exists: its published ports, its restart policy, its limits."""

from collections.abc import Sequence
from dataclasses import replace

from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.limits import LimitChange, changed
from weft.engine.contract.runtime import Runtime
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

    def __init__(
        self, inventory: Inventory, runtime: Runtime, locks: Locks, ports: PortChange, events: EventBus
    ) -> None:
        self._inventory = inventory
        self._runtime = runtime
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
        self,
        reference: str,
        *,
        ports: Sequence[PortRequest] | None = None,
        restart: RestartPolicy | None = None,
        limits: LimitChange | None = None,
    ) -> ContainerRecord:
        """Give the container these ports in place of those it has, another restart policy, other limits; all or none.

        None leaves what is there.
        """
        container_id = self._inventory.find_container(reference).id
        async with self._locks.hold(container_id):
            present = self._changeable(container_id)
            record = _with(present, restart, limits)
            if ports is not None:
                _check_mode(record)
            former, wanted = present.spec.resources, record.spec.resources
            limited = wanted != former and record.state.is_running
            if limited:
                await self._runtime.limit(record.id, wanted, former)
            try:
                record = await self._save(record, ports)
            except BaseException:
                if limited:
                    await self._runtime.limit(record.id, former, former)
                raise
        return self._said(record)

    async def _save(self, record: ContainerRecord, ports: Sequence[PortRequest] | None) -> ContainerRecord:
        if ports is not None:
            return await self._ports.make(record, *split(self._ports.bindings(record), ports))
        self._inventory.save(record)
        return record

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


def _with(record: ContainerRecord, restart: RestartPolicy | None, limits: LimitChange | None) -> ContainerRecord:
    spec = record.spec
    if restart is not None:
        _check_restart(record, restart)
        spec = replace(spec, restart=restart)
    if limits is not None:
        spec = replace(spec, resources=changed(spec.resources, limits))
    return replace(record, spec=spec)


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
