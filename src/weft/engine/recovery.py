"""After a start of the daemon: records, kernel, runtime and DNS process brought into agreement."""

import asyncio
import logging
from dataclasses import replace

from weft.engine.containers import states
from weft.engine.containers.lifecycle import Lifecycle
from weft.engine.containers.namespaces import joined_containers
from weft.engine.containers.removal import Removal
from weft.engine.containers.restart import starts_with_daemon
from weft.engine.contract.kernel import Facts, Kernel
from weft.engine.contract.names import Names
from weft.engine.contract.runtime import Exit, Runtime
from weft.engine.inventory import Inventory, link_targets
from weft.engine.networks.service import NetworkService
from weft.engine.sandbox.addresses import AddressBook
from weft.engine.sandbox.membership import Membership
from weft.engine.sandbox.mode import is_host
from weft.engine.sandbox.news import News
from weft.engine.sandbox.ports import PortBook
from weft.engine.sandbox.service import SandboxService
from weft.engine.sandbox.shards import ShardBook
from weft.engine.zones import zones_of
from weft.model.container import ContainerRecord, Status
from weft.model.errors import WeftError
from weft.plan.operations import DeleteSandbox
from weft.plan.plan import Plan

_log = logging.getLogger(__name__)


class Recovery:
    """Runs once, before the API is served."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        runtime: Runtime,
        names: Names,
        addresses: AddressBook,
        shards: ShardBook,
        ports: PortBook,
        networks: NetworkService,
        sandboxes: SandboxService,
        membership: Membership,
        news: News,
        lifecycle: Lifecycle,
        removal: Removal,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._runtime = runtime
        self._names = names
        self._addresses = addresses
        self._shards = shards
        self._ports = ports
        self._networks = networks
        self._sandboxes = sandboxes
        self._membership = membership
        self._news = news
        self._lifecycle = lifecycle
        self._removal = removal

    async def run(self) -> list[str]:
        """Adopt what runs, settle what ended; return the ids of containers whose restart policy starts them now."""
        facts = await self._kernel.facts()
        await self._restore_networks(facts)
        self._addresses.restore(self._inventory.networks.values(), self._inventory.containers.values())
        self._shards.restore(self._inventory.containers.values())
        ended: dict[str, Exit | None] = {}
        for record in tuple(self._inventory.containers.values()):
            outcome = await self._adopt(record)
            if outcome is not _RUNNING:
                ended[record.id] = outcome
            if record.sandbox_id == record.id:
                self._ports.restore(record)
        due = [container_id for container_id in ended if self._is_due(container_id, ended[container_id])]
        for container_id, exit in ended.items():
            await self._settle(container_id, exit, due=container_id in due)
        await self._remove_strays(facts)
        return [container_id for container_id in due if container_id in self._inventory.containers]

    async def _restore_networks(self, facts: Facts) -> None:
        for record in self._inventory.networks.values():
            try:
                await self._networks.restore(record, facts)
            except WeftError as error:
                _log.error("network %s could not be restored: %s", record.name, error.message)

    async def _adopt(self, record: ContainerRecord) -> Exit | None:
        """Return _RUNNING for a container that goes on, how it ended otherwise, None if it did not run."""
        if not record.state.is_running:
            return None
        outcome = await self._runtime.recover(record.id)
        if isinstance(outcome, Exit):
            return outcome
        if outcome != record.state.pid:
            record = replace(record, state=replace(record.state, pid=outcome))
            self._inventory.save(record)
        if record.state.committing:  # the commit went with the former daemon
            await self._runtime.unpause(record.id)
            self._inventory.save(states.unpaused(record))
        return _RUNNING

    def _is_due(self, container_id: str, exit: Exit | None) -> bool:
        record = self._inventory.containers[container_id]
        state = record.state
        if state.status in (Status.CREATED, Status.REMOVING, Status.DEAD) or record.spec.auto_remove:
            return False
        was_running = exit is not None or state.status is Status.RESTARTING
        if exit is not None:
            state = replace(state, exit_code=exit.code)
        return starts_with_daemon(record.spec.restart, state, was_running=was_running)

    async def _settle(self, container_id: str, exit: Exit | None, *, due: bool) -> None:
        record = self._inventory.containers.get(container_id)
        if record is None:
            return
        try:
            if exit is not None:
                await self._lifecycle.finish(container_id, exit, due=due)
            elif record.state.status in (Status.REMOVING, Status.DEAD):
                await self._removal.complete(container_id)
            else:
                await self._clear(record, due=due)
                if record.spec.auto_remove and record.state.status is Status.EXITED:
                    await self._removal.remove_ended(container_id)
        except WeftError as error:
            _log.error("container %s could not be settled: %s", record.name, error.message)

    async def _clear(self, record: ContainerRecord, *, due: bool) -> None:
        """Remove what a start, or the settling of an exit, left behind when it was cut off."""
        if record.state.status is Status.RESTARTING and not due:
            record = states.given_up(record)
            self._inventory.save(record)
        ended = record.state.status in (Status.EXITED, Status.RESTARTING)
        if record.sandbox_id or (is_host(record.spec.networking.mode) and ended):
            await self._runtime.release(record.id)
            self._inventory.save(await self._sandboxes.lower(record))

    async def _remove_strays(self, facts: Facts) -> None:
        """Remove sandboxes and files that no record knows: a start or a removal was cut off."""
        live = {record.sandbox_id for record in self._inventory.containers.values()}
        strays = facts.sandboxes - live
        await self._kernel.teardown(Plan(tuple(DeleteSandbox(name) for name in sorted(strays))))
        for container_id in await self._runtime.known() - self._inventory.containers.keys():
            await self._runtime.release(container_id)
            await self._runtime.remove(container_id)

    async def restore_names(self) -> None:
        """Bring the DNS process up to date: all zones, and the sandboxes that it does not hold."""
        running = [record for record in self._inventory.containers.values() if record.sandbox_id == record.id]
        await self._names.replace_zones(zones_of(running))
        held = await self._names.sandboxes()
        for stray in held - {record.id for record in running}:
            await self._names.close(stray)
        for record in running:
            try:
                await self._news.restore(record, held=record.id in held)
            except WeftError as error:
                _log.error("names of container %s could not be restored: %s", record.name, error.message)

    async def take_away_unsettled(self) -> None:
        """Disconnect what was being connected or disconnected: how far that came, nobody knows."""
        for record in tuple(self._inventory.containers.values()):
            for attachment in record.attachments:
                network = self._inventory.networks.get(attachment.network_id)
                if network is None or attachment.endpoint is None or not attachment.endpoint.unsettled:
                    continue
                try:
                    await self._membership.disconnect(record, network)
                except* WeftError as errors:
                    _log.error("container %s on network %s: %s", record.name, network.name, errors.exceptions[0])

    async def start_due(self, due: list[str]) -> None:
        """Start containers by their restart policies, side by side; each after those that it joins or links to."""
        while due:
            waiting = [each for each in due if self._needs(each) & set(due)]
            await self._start_all([each for each in due if each not in waiting] or due)
            due = waiting if len(waiting) < len(due) else []

    def _needs(self, container_id: str) -> set[str]:
        record = self._inventory.containers.get(container_id)
        if record is None:
            return set()
        return {target for target, _ in link_targets(record)} | joined_containers(record)

    async def _start_all(self, due: list[str]) -> None:
        results = await asyncio.gather(*(self._lifecycle.start(each) for each in due), return_exceptions=True)
        for container_id, result in zip(due, results, strict=True):
            if isinstance(result, WeftError):
                _log.error("container %s could not be restarted: %s", container_id, result.message)
            elif isinstance(result, BaseException):
                raise result


_RUNNING = Exit(-1, 0)
