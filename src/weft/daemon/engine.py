"""The engine put together: each service gets what it needs, and nothing else."""

import asyncio
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from weft.api.backend import Backend
from weft.drivers.registry import Registry
from weft.engine.containers.changes import Changes
from weft.engine.containers.control import Control
from weft.engine.containers.creation import Creation
from weft.engine.containers.execs import ExecService
from weft.engine.containers.lifecycle import Lifecycle
from weft.engine.containers.mounts import MountResolver
from weft.engine.containers.removal import Removal
from weft.engine.containers.service import ContainerService
from weft.engine.contract.environment import Environment
from weft.engine.contract.files import HostFiles
from weft.engine.contract.images import Images
from weft.engine.contract.kernel import Kernel
from weft.engine.contract.leases import Leases
from weft.engine.contract.names import Names
from weft.engine.contract.records import Record, Store
from weft.engine.contract.relay import Relay
from weft.engine.contract.remote import Remotes
from weft.engine.contract.runtime import Runtime
from weft.engine.contract.volumes import Volumes
from weft.engine.events import EventBus
from weft.engine.images import ImageService
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.engine.networks.defaults import DefaultNetworks
from weft.engine.networks.ipams import Ipams
from weft.engine.networks.outside import OutsideNetworks
from weft.engine.networks.service import NetworkService
from weft.engine.recovery import Recovery
from weft.engine.sandbox.addresses import AddressBook
from weft.engine.sandbox.endpoints import Endpoints
from weft.engine.sandbox.firewall import Firewall
from weft.engine.sandbox.lease_watch import LeaseWatch
from weft.engine.sandbox.leasing import Leasing
from weft.engine.sandbox.links import Links
from weft.engine.sandbox.name_service import NameService
from weft.engine.sandbox.obstacles import Obstacles
from weft.engine.sandbox.outside import Outside
from weft.engine.sandbox.planner import SandboxPlanner
from weft.engine.sandbox.port_change import PortChange
from weft.engine.sandbox.ports import PortBook
from weft.engine.sandbox.publisher import Publisher
from weft.engine.sandbox.reach import Reach
from weft.engine.sandbox.service import SandboxService
from weft.engine.sandbox.shards import ShardBook
from weft.engine.sandbox.way_out import WayOut
from weft.engine.settings import Settings
from weft.engine.system import SystemService
from weft.engine.volumes import VolumeService
from weft.model.address import Address
from weft.model.network import NetworkRecord


@dataclass(frozen=True, slots=True)
class Edges:
    """What the engine stands on."""

    kernel: Kernel
    runtime: Runtime
    images: Images
    volumes: Volumes
    files: HostFiles
    names: Names
    store: Store
    remotes: Remotes
    relay: Relay
    leases: Leases


def environment() -> Environment:
    """Return the clock and the randomness of a real daemon."""
    return Environment(
        now=time.time_ns,
        new_id=lambda: secrets.token_hex(32),
        random_below=secrets.randbelow,
        sleep=asyncio.sleep,
    )


class Engine:
    """All services over one set of records."""

    def __init__(self, edges: Edges, records: Iterable[Record], settings: Settings, drivers: Registry) -> None:
        outside = environment()
        self.events = events = EventBus(outside.now)
        self.inventory = inventory = Inventory(edges.store, records)
        self._kernel = edges.kernel
        self._runtime = edges.runtime
        self._images = edges.images
        self._names = edges.names
        self._relay = edges.relay
        self._drivers = drivers
        self._settings = settings
        addresses, shards, ports, locks = AddressBook(), ShardBook(), PortBook(), Locks()
        reach = Reach(inventory, drivers, settings.publish)
        self.obstacles = obstacles = Obstacles(inventory, edges.kernel, drivers)
        self._publisher = publisher = Publisher(inventory, edges.kernel, ports, settings, reach, edges.relay, obstacles)
        links = Links(inventory, drivers, environment=settings.link_variables)
        self._ipams = ipams = Ipams(inventory, edges.remotes, outside)
        self.sandboxes = sandboxes = SandboxService(
            inventory,
            edges.kernel,
            edges.runtime,
            edges.names,
            NameService(edges.files, settings, self._host_gateways, drivers.is_isolated, links.host_entries),
            Endpoints(addresses, shards, drivers, outside, edges.files.hostname()),
            SandboxPlanner(inventory, drivers, publisher),
            publisher,
            links,
            Outside(inventory, edges.kernel, drivers, edges.remotes, ports),
            Leasing(inventory, edges.kernel, edges.leases),
            ipams,
            WayOut(inventory, drivers, self._gateway_network),
            events,
        )
        self._lease_watch = LeaseWatch(inventory, sandboxes, locks, edges.leases)
        self.firewall = Firewall(inventory, edges.kernel, drivers, publisher, links, events, settings.accepted_mark)
        self.volumes = VolumeService(inventory, edges.volumes, events, outside)
        self.images = ImageService(edges.images, inventory, events, outside)
        self.networks = NetworkService(
            inventory,
            edges.kernel,
            drivers,
            addresses,
            sandboxes,
            OutsideNetworks(inventory, drivers, edges.remotes, ipams),
            locks,
            events,
            outside,
            settings,
        )
        self.default_networks = DefaultNetworks(inventory, edges.kernel, self.networks, outside, settings)
        self.lifecycle = Lifecycle(inventory, edges.runtime, sandboxes, events, outside, locks)
        control = Control(inventory, edges.runtime, self.lifecycle, events, settings)
        removal = Removal(inventory, edges.runtime, sandboxes, self.volumes, self.lifecycle, control, events, outside)
        mounts = MountResolver(inventory, self.volumes, edges.files)
        creation = Creation(
            inventory, self.images, edges.runtime, self.volumes, mounts, obstacles, events, outside, settings
        )
        self.execs = ExecService(inventory, edges.runtime, events, outside)
        self.containers = ContainerService(
            inventory,
            edges.runtime,
            self.images,
            sandboxes,
            self.lifecycle,
            creation,
            control,
            removal,
            self.execs,
            Changes(inventory, edges.runtime, locks, PortChange(inventory, drivers, edges.kernel, publisher), events),
            events,
        )
        self.recovery = Recovery(
            inventory,
            edges.kernel,
            edges.runtime,
            edges.names,
            addresses,
            shards,
            ports,
            self.networks,
            sandboxes,
            self.lifecycle,
            removal,
        )
        self._tasks: list[asyncio.Task[None]] = []

    def _host_gateways(self) -> tuple[Address, ...]:
        if self._settings.host_gateways:
            return self._settings.host_gateways
        bridge = self.inventory.network_named("bridge")
        return tuple(pool.gateway for pool in bridge.pools if pool.gateway is not None) if bridge else ()

    async def _gateway_network(self) -> NetworkRecord:
        return await self.networks.gateway_network()

    def backend(self, system: SystemService) -> Backend:
        """Return what the API serves."""
        return Backend(
            containers=self.containers,
            execs=self.execs,
            networks=self.networks,
            volumes=self.volumes,
            images=self.images,
            events=self.events,
            system=system,
        )

    async def start(self) -> None:
        """Bring records, kernel and processes into agreement; containers that are due start in the background."""
        await self._restore_relay()
        await self.firewall.load()  # networks add their elements to it
        await self.default_networks.ensure()
        due = await self.recovery.run()
        await self.obstacles.look()
        await self.firewall.load()
        await self.recovery.restore_names()
        await self.sandboxes.adopt_leases()
        await self.recovery.take_away_unsettled()
        await self._images.collect(self.images.in_use())
        self._tasks = [
            asyncio.create_task(self.firewall.guard()),
            asyncio.create_task(self.obstacles.watch()),
            asyncio.create_task(self.firewall.follow()),
            asyncio.create_task(self.recovery.start_due(due)),
            asyncio.create_task(self._ipams.restore()),
            asyncio.create_task(self._lease_watch.run()),
            asyncio.create_task(self.sandboxes.check_outside()),
        ]

    async def _restore_relay(self) -> None:
        running = (record for record in self.inventory.containers.values() if record.sandbox_id == record.id)
        await self._relay.restore({record.id: self._publisher.relayed(record) for record in running})
        self._publisher.find_relay()

    async def hand_over_names(self) -> None:
        """Tell a new DNS process everything."""
        await self.recovery.restore_names()

    async def stop(self) -> None:
        """Let go; containers, ports and names stay as they are."""
        await self.lifecycle.close()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
