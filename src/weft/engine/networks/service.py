"""Use cases of networks."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from weft.drivers.contract import Driver, Exclusive, Parented
from weft.drivers.registry import Registry
from weft.drivers.segments import segment_of
from weft.engine.containers.attachments import check_attachable, check_connectable, check_disconnectable, check_endpoint
from weft.engine.contract.environment import Environment
from weft.engine.contract.kernel import Facts, Kernel
from weft.engine.contract.records import Delete
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.engine.networks.arrivals import Arrivals
from weft.engine.networks.collisions import route_warnings
from weft.engine.networks.configuration import as_configuration, check_not_depended_on, with_configuration
from weft.engine.networks.ipams import is_outside
from weft.engine.networks.listing import list_networks
from weft.engine.networks.outside import OutsideNetworks
from weft.engine.prune_filters import prune_test
from weft.engine.results import Created, Pruned
from weft.engine.sandbox.addresses import AddressBook
from weft.engine.sandbox.membership import Membership
from weft.engine.sandbox.way_out import GATEWAY_NETWORK, gateway_network_spec
from weft.engine.settings import Settings
from weft.firewall.network import network_added, network_removed
from weft.ipam.resolve import resolve_pools
from weft.model.container import ContainerRecord
from weft.model.endpoint import Attachment, EndpointSpec
from weft.model.errors import Conflict, Forbidden, InvalidParameter, NotFound
from weft.model.network import NetworkRecord, NetworkSpec, Pool, Scope
from weft.plan.plan import Plan

_log = logging.getLogger(__name__)
Filters = Mapping[str, tuple[str, ...]]
_PREDEFINED = ("bridge", "host", "none")


def _unchanged(record: NetworkRecord) -> NetworkRecord:
    return record


class NetworkService:
    """Implements weft.api.backend.Networks."""

    def __init__(
        self,
        inventory: Inventory,
        kernel: Kernel,
        drivers: Registry,
        addresses: AddressBook,
        membership: Membership,
        outside: OutsideNetworks,
        container_locks: Locks,
        arrivals: Arrivals,
        events: EventBus,
        environment: Environment,
        settings: Settings,
    ) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._drivers = drivers
        self._addresses = addresses
        self._membership = membership
        self._outside = outside
        self._container_locks = container_locks
        self._arrivals = arrivals
        self._locks = Locks()
        self._creating = asyncio.Lock()  # pools are chosen one after the other: each sees those before it
        self._events = events
        self._environment = environment
        self._settings = settings
        self._pruning = False
        self._making: set[str] = set()  # names of networks for which programs outside are being called
        self.find = inventory.find_network

    def list(self, filters: Filters) -> tuple[NetworkRecord, ...]:
        """Return the networks that match, by name."""
        return list_networks(self._inventory, filters)

    def members(self, record: NetworkRecord) -> tuple[ContainerRecord, ...]:
        """Return the containers with a live endpoint on it."""
        return tuple(container for container in self._inventory.containers_on(record.id) if container.state.is_running)

    async def create(self, spec: NetworkSpec) -> Created:
        """Make a network; Conflict for a name that exists, and whatever the driver and IPAM object to."""
        if self._outside.is_asked(self._configured(spec)):
            return await self._create_outside(self._configured(spec))
        async with self._creating:
            spec = self._configured(spec)
            self._check(spec)
            self._check_name(spec.name)
            record = await self.make(spec, self._environment.new_id())
        self._emit("create", record)
        return Created(record.id, await self._warnings(record))

    async def _create_outside(self, spec: NetworkSpec) -> Created:
        """Make a network for which programs outside are called: they may be slow, and nobody else waits for them."""
        self._check_name(spec.name)
        self._making.add(spec.name)
        try:
            await self._outside.find(spec)
            self._check(spec)
            record = await self.make(spec, self._environment.new_id())
        finally:
            self._making.discard(spec.name)
        self._emit("create", record)
        return Created(record.id, await self._warnings(record))

    def _check_name(self, name: str) -> None:
        if name in self._making or self._inventory.network_named(name) is not None:
            raise Conflict(f"network with name {name} already exists")

    def _check(self, spec: NetworkSpec) -> None:
        if not spec.name.strip():
            raise InvalidParameter("invalid network name: it may not be empty")
        if spec.name in _PREDEFINED:
            raise Forbidden(f"operation is not permitted on predefined {spec.name} network")
        if spec.config_only:
            return  # what it holds is looked at when a network is made from it
        if spec.ingress or spec.scope is Scope.SWARM:
            raise Forbidden(
                'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node '
                "to swarm and try again."
            )
        if spec.ipam_options and not is_outside(spec):
            option = sorted(spec.ipam_options)[0]
            raise InvalidParameter(f"the default IPAM driver has no option {option!r}: leave out --ipam-opt")
        self._drivers.get(spec.driver).validate(spec)

    async def make(
        self,
        spec: NetworkSpec,
        network_id: str,
        *,
        predefined: bool = False,
        adjust: Callable[[NetworkRecord], NetworkRecord] = _unchanged,
    ) -> NetworkRecord:
        """Choose pools, record the network, after `adjust`, and make it in the kernel; all or nothing.

        It is recorded first: what a crash cuts off, the next start completes.
        """
        driver = self._drivers.get(spec.driver)
        facts = await self._kernel.facts()
        pools = await self._pools(driver, spec, facts) if driver.has_addresses else ()
        record = NetworkRecord(
            id=network_id,
            created=self._environment.now(),
            spec=spec,
            pools=pools,
            predefined=predefined,
            mtu=facts.default_mtu,
        )
        async with self._locks.hold(network_id):
            with self._arrivals.coming(network_id):
                return await self._make(record, facts, adjust)

    async def _make(
        self, record: NetworkRecord, facts: Facts, adjust: Callable[[NetworkRecord], NetworkRecord]
    ) -> NetworkRecord:
        driver = self._drivers.get(record.driver)
        try:
            if isinstance(driver, Parented):
                record = replace(record, pools=self._addresses.reserve(record.pools, driver.reserved(record.spec)))
            record = adjust(record)
            if isinstance(driver, Exclusive):
                driver.check_conflicts(record, self._inventory.networks.values())
            plan = self.plan(record, facts)
            self._inventory.save(record)
            self._outside.recorded(record)
            await self._kernel.apply(plan)
            record = await self._outside.create(record)
            self._inventory.save(record)
        except BaseException:
            self._inventory.commit((Delete(NetworkRecord, record.id),))
            await self._outside.release(record)
            raise
        self._addresses.add(record)
        return record

    async def gateway_network(self) -> NetworkRecord:
        """Return docker_gwbridge, made where it is missing."""
        async with self._creating:
            present = self._inventory.network_named(GATEWAY_NETWORK)
            if present is not None:
                return present
            record = await self.make(gateway_network_spec(), self._environment.new_id())
        self._emit("create", record)
        return record

    def plan(self, record: NetworkRecord, facts: Facts) -> Plan:
        """Return what the network misses in the kernel, its part of the firewall included."""
        driver = self._drivers.get(record.driver)
        plan = driver.create_network(record, facts)
        segment = segment_of(driver, record)
        return plan + network_added(segment) if segment is not None else plan

    async def restore(self, record: NetworkRecord, facts: Facts) -> None:
        """Make what a network misses in the kernel; `facts` were observed before the first of them was restored."""
        driver = self._drivers.get(record.driver)
        if not isinstance(driver, Parented):
            await self._kernel.apply(self.plan(record, facts))
            return
        facts = await self._kernel.facts()  # a network before it may have made their parent
        endpoints = [
            attachment.endpoint
            for container in self._inventory.containers_on(record.id)
            if (attachment := container.attachment_to(record.id)) is not None and attachment.endpoint is not None
        ]
        await self._kernel.apply(self.plan(record, facts) + driver.restored(record, endpoints, facts))

    async def _warnings(self, record: NetworkRecord) -> tuple[str, ...]:
        driver = self._drivers.get(record.driver)
        if not isinstance(driver, Parented) and all(pool.chosen for pool in record.pools):
            return ()
        facts = await self._kernel.facts()
        warnings = driver.warnings(record, facts) if isinstance(driver, Parented) else ()
        warnings += route_warnings(driver, record, facts)
        for warning in warnings:
            _log.warning("%s", warning)
        return warnings

    async def _pools(self, driver: Driver, spec: NetworkSpec, facts: Facts) -> tuple[Pool, ...]:
        given = await self._outside.pools(driver, spec, facts.routes)
        if given is not None:
            return given
        without_gateway = await self._outside.without_gateway(driver, spec)
        # From here on nothing is waited for until the record is saved: two networks never choose the same.
        present = [(each, pool.subnet) for each in self._inventory.networks.values() for pool in each.pools]
        shared = self._sharing(driver)
        elsewhere = [subnet for each, subnet in present if is_outside(each.spec)]
        return resolve_pools(
            spec,
            host_id=self._settings.host_id,
            default_pools=self._settings.address_pools,
            allocated=[
                (each.name, subnet) for each, subnet in present if not is_outside(each.spec) and each not in shared
            ],
            shared=[(each.name, pool) for each in shared for pool in each.pools],
            host_routes=(*facts.routes, *elsewhere),
            without_gateway=without_gateway,
        )

    def _sharing(self, driver: Driver) -> Sequence[NetworkRecord]:
        """Return the networks that a network of this driver may share subnets with, by ranges of their own."""
        if not isinstance(driver, Parented):
            return ()
        networks = (each for each in self._inventory.networks.values() if not each.spec.config_only)
        return [
            each
            for each in networks
            if isinstance(self._drivers.get(each.driver), Parented) and not is_outside(each.spec)
        ]

    def _configured(self, spec: NetworkSpec) -> NetworkSpec:
        """Return the spec with the options of daemon.json, or of the configuration network that it is made from."""
        if spec.config_only:
            return as_configuration(spec)
        if spec.config_from:
            return with_configuration(spec, self._inventory.networks.values())
        return self._with_default_options(spec)

    def _with_default_options(self, spec: NetworkSpec) -> NetworkSpec:
        defaults = self._settings.network_options.get(spec.driver, {})
        return replace(spec, options={**defaults, **spec.options}) if defaults else spec

    async def remove(self, reference: str) -> None:
        """Remove a network that no container is attached to."""
        record = self._inventory.find_network(reference)
        if record.predefined:
            raise Forbidden(f"{record.name} is a pre-defined network and cannot be removed")
        if record.spec.config_only:
            await self._remove_configuration(record.id)
            return
        async with self._locks.hold(record.id), self._with_its_parent(record):
            record = self._inventory.find_network(record.id)
            self._check_unused(record)
            with self._arrivals.leaving(record):
                # the record goes last: what a crash cuts off, a second removal completes
                await self._outside.delete(record)
                await self._kernel.teardown(await self.removal_plan(record))
                await self._outside.release(record)
                self._inventory.commit((Delete(NetworkRecord, record.id),))
                self._addresses.forget(record.id)
        self._emit("destroy", record)

    @asynccontextmanager
    async def _with_its_parent(self, record: NetworkRecord) -> AsyncIterator[None]:
        """Hold what keeps others from being made on the parent of a network that is being removed."""
        if isinstance(self._drivers.get(record.driver), Parented):
            async with self._creating:
                yield
        else:
            yield

    async def _remove_configuration(self, network_id: str) -> None:
        async with self._creating:  # no network is being made from it meanwhile
            record = self._inventory.find_network(network_id)
            check_not_depended_on(record, self._inventory.networks.values())
            self._inventory.commit((Delete(NetworkRecord, record.id),))
            self._addresses.forget(record.id)
        self._emit("destroy", record)

    async def removal_plan(self, record: NetworkRecord) -> Plan:
        """Return what removes the network from the kernel."""
        driver = self._drivers.get(record.driver)
        segment = segment_of(driver, record)
        forgotten = network_removed(segment) if segment is not None else Plan()
        facts = await self._kernel.facts()
        plan = forgotten + driver.delete_network(record, facts)
        if isinstance(driver, Parented):
            plan += driver.release_parent(record, self._inventory.networks.values(), facts)
        return plan

    def _check_unused(self, record: NetworkRecord) -> None:
        users = []
        for container in self._inventory.containers_on(record.id):  # one that is starting or ending is no member
            attachment = container.attachment_to(record.id)
            if attachment is not None and attachment.endpoint is not None:
                name = f"gateway_{container.id[:12]}" if attachment.implicit else container.name
                users.append(f'name:"{name}" id:"{attachment.endpoint.id[:12]}"')
        if users:
            raise Forbidden(
                f"error while removing network: network {record.name} has active endpoints ({', '.join(users)})"
            )

    async def connect(self, reference: str, container: str, spec: EndpointSpec) -> None:
        """Attach a container, at once if it runs, else at its start."""
        network = self._inventory.find_network(reference)
        container_id = self._inventory.find_container(container).id
        async with self._locks.hold(network.id), self._container_locks.hold(container_id):
            network = self._inventory.find_network(network.id)
            record = self._inventory.find_container(container_id)
            check_connectable(network, record.spec.networking.mode, record.attachments, record.name)
            check_attachable(network)
            check_endpoint(network, spec)
            attachment = Attachment(network_id=network.id, network_name=network.name, spec=spec)
            await self._membership.connect(record, attachment)

    async def disconnect(self, reference: str, container: str, *, force: bool) -> None:
        """Detach a container; `force` also clears an entry whose container is gone."""
        network = self._inventory.find_network(reference)
        try:
            container_id = self._inventory.find_container(container).id
        except NotFound:
            if force:
                return
            raise
        async with self._locks.hold(network.id), self._container_locks.hold(container_id):
            record = self._inventory.find_container(container_id)
            attached = any(attachment.network_name == network.name for attachment in record.attachments)
            check_disconnectable(network, container_id, attached)
            await self._membership.disconnect(record, network)

    async def prune(self, filters: Filters) -> Pruned:
        """Remove networks that no container is attached to, running or not."""
        may_go = prune_test(filters, self._environment.now())
        if self._pruning:
            raise Conflict("a prune operation is already running")
        self._pruning = True
        deleted: list[str] = []
        try:
            for record in tuple(self._inventory.networks.values()):
                unused = not record.predefined and not any(self._inventory.containers_on(record.id))
                if record.spec.config_only:  # kept for the networks that are to be made from it
                    continue
                if unused and may_go(record.spec.labels, record.created):
                    try:
                        await self.remove(record.id)
                    except (Forbidden, NotFound):  # taken into use, or removed, meanwhile
                        continue
                    deleted.append(record.name)
        finally:
            self._pruning = False
        self._events.emit("network", "prune", "", {"reclaimed": "0"})
        return Pruned(tuple(deleted))

    def _emit(self, action: str, record: NetworkRecord) -> None:
        self._events.emit("network", action, record.id, {"name": record.name, "type": record.driver})
