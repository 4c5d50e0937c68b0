"""Remove containers."""

from collections.abc import Mapping
from contextlib import suppress

from weft.engine.containers import states
from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.control import Control
from weft.engine.containers.lifecycle import Lifecycle
from weft.engine.containers.links import without_link
from weft.engine.contract.environment import Environment
from weft.engine.contract.records import Change, Delete
from weft.engine.contract.runtime import Runtime
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.prune_filters import prune_test
from weft.engine.results import Pruned
from weft.engine.sandbox.service import SandboxService
from weft.engine.volumes import VolumeService
from weft.engine.waiting import WaitResult
from weft.model.container import ContainerRecord, Status
from weft.model.errors import Conflict, NotFound, WeftError

Filters = Mapping[str, tuple[str, ...]]
_ATTEMPTS = 10


class _StartedAgain(Conflict):
    """The container runs again by the time that its lock is held."""


class Removal:
    """Removes containers, with their writable layers and, if asked, their anonymous volumes."""

    def __init__(
        self,
        inventory: Inventory,
        runtime: Runtime,
        sandboxes: SandboxService,
        volumes: VolumeService,
        lifecycle: Lifecycle,
        control: Control,
        events: EventBus,
        environment: Environment,
    ) -> None:
        self._inventory = inventory
        self._runtime = runtime
        self._sandboxes = sandboxes
        self._volumes = volumes
        self._lifecycle = lifecycle
        self._control = control
        self._events = events
        self._environment = environment
        self._pruning = False
        lifecycle.remove_ended = self.remove_ended

    async def remove(self, reference: str, *, force: bool, volumes: bool, link: bool) -> None:
        """Remove a container; a running one only with `force`. With `link`, remove the link of that name instead."""
        record = self._inventory.find_container(reference)
        if link:
            await self._remove_link(reference)
            return
        if record.state.status is Status.REMOVING:
            raise Conflict(f"removal of container {record.name} is already in progress")
        if record.state.is_running or record.state.status is Status.RESTARTING:
            self._check_force(record, force)
        self._lifecycle.held.add(record.id)
        try:
            await self._bring_down_and_remove(record.id, force=force, volumes=volumes)
        finally:
            self._lifecycle.held.discard(record.id)

    async def _remove_link(self, name: str) -> None:
        linker = without_link(self._inventory, name).id
        async with self._lifecycle.locks.hold(linker):
            await self._sandboxes.unlink(without_link(self._inventory, name))

    async def _bring_down_and_remove(self, container_id: str, *, force: bool, volumes: bool) -> None:
        """Remove; by force also what somebody, or a restart policy, starts in between."""
        for _ in range(_ATTEMPTS if force else 0):
            await self._control.bring_down_for_removal(self._inventory.find_container(container_id))
            with suppress(_StartedAgain):
                return await self._remove(container_id, volumes=volumes)
        return await self._remove(container_id, volumes=volumes)

    def _check_force(self, record: ContainerRecord, force: bool) -> None:
        if force:
            return
        state = record.state.status.value
        remedy = (
            "unpause and then stop the container before removing or force remove"
            if record.state.status is Status.PAUSED
            else "stop the container before removing or force remove"
        )
        raise Conflict(f'cannot remove container "/{record.name}": container is {state}: {remedy}')

    async def remove_ended(self, container_id: str) -> None:
        """Remove an --rm container that has ended, with its anonymous volumes."""
        with suppress(NotFound):  # somebody was faster
            await self._remove(container_id, volumes=True)

    async def complete(self, container_id: str) -> None:
        """Go on with a removal that was cut off; the volumes that it was to take along are marked."""
        await self._remove(container_id, volumes=False)

    async def _remove(self, container_id: str, *, volumes: bool) -> None:
        async with self._lifecycle.locks.hold(container_id):
            record = self._inventory.find_container(container_id)
            if record.state.is_running:
                raise _StartedAgain(f'cannot remove container "/{record.name}": it was started again: stop it first')
            self._lifecycle.cancel_restart(container_id)
            record = states.with_status(record, Status.REMOVING)
            leaving = self._volumes.leaving(record) if volumes else ()
            self._inventory.save(record, *leaving)
            try:
                record = await self._sandboxes.drop(record)
                await self._runtime.remove(container_id)
            except BaseException as error:
                self._inventory.save(states.with_status(record, Status.DEAD))
                reason = error.message if isinstance(error, WeftError) else str(error)
                self._lifecycle.waiters.removed(container_id, WaitResult(record.state.exit_code, reason))
                raise
            changes: tuple[Change, ...] = (Delete(ContainerRecord, container_id),)
            self._inventory.commit(changes)
        await self._volumes.remove_leaving(volume.name for volume in leaving)
        self._events.emit("container", "destroy", container_id, event_attributes(record))
        self._lifecycle.waiters.removed(container_id, WaitResult(record.state.exit_code))
        for stdio in self._lifecycle.attachers.take(container_id):
            stdio.connect(None)

    async def prune(self, filters: Filters) -> Pruned:
        """Remove all stopped containers that the filters let go."""
        may_go = prune_test(filters, self._environment.now())
        if self._pruning:
            raise Conflict("a prune operation is already running")
        self._pruning = True
        deleted: list[str] = []
        reclaimed = 0
        try:
            for record in tuple(self._inventory.containers.values()):
                stopped = record.state.status in (Status.CREATED, Status.EXITED, Status.DEAD)
                if stopped and may_go(record.spec.labels, record.created):
                    size = await self._runtime.size(record.id)
                    try:
                        await self.remove(record.id, force=False, volumes=False, link=False)
                    except (Conflict, NotFound):  # started or removed meanwhile
                        continue
                    deleted.append(record.id)
                    reclaimed += size
        finally:
            self._pruning = False
        self._events.emit("container", "prune", "", {"reclaimed": str(reclaimed)})
        return Pruned(tuple(deleted), reclaimed)
