"""The engine put together, started and let go."""

import asyncio
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress

from weft.api.backend import Backend
from weft.daemon.services import Edges, Ground, make_containers, make_networks, make_recovery, make_sandboxes
from weft.drivers.registry import Registry
from weft.engine.contract.environment import Environment
from weft.engine.contract.records import Record
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.engine.networks.arrivals import Arrivals
from weft.engine.networks.defaults import DefaultNetworks
from weft.engine.networks.neighbours import Neighbours
from weft.engine.sandbox.addresses import AddressBook
from weft.engine.sandbox.firewall import Firewall
from weft.engine.sandbox.lease_watch import LeaseWatch
from weft.engine.sandbox.ports import PortBook
from weft.engine.sandbox.shards import ShardBook
from weft.engine.settings import Settings
from weft.engine.system import SystemService
from weft.model.network import NetworkRecord


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
        ground = Ground(
            edges,
            inventory,
            settings,
            drivers,
            outside,
            events,
            Locks(),
            AddressBook(),
            ShardBook(),
            PortBook(),
            Arrivals(),
        )
        self._edges = edges
        self._sandboxes = sandboxes = make_sandboxes(ground, self._gateway_network)
        self.obstacles = sandboxes.obstacles
        self.networks = make_networks(ground, sandboxes)
        made = make_containers(ground, sandboxes)
        self.containers, self.execs, self.files = made.service, made.execs, made.files
        self.stats = made.stats
        self._commits = made.commits
        self.images, self.volumes = made.images, made.volumes
        self._lifecycle = made.lifecycle
        self.default_networks = DefaultNetworks(inventory, edges.kernel, self.networks, outside, settings)
        self.recovery = make_recovery(ground, sandboxes, self.networks, made)
        self.firewall = Firewall(
            inventory, edges.kernel, drivers, sandboxes.publisher, sandboxes.links, events, settings.accepted_mark
        )
        self._lease_watch = LeaseWatch(inventory, sandboxes.service, ground.container_locks, edges.leases)
        self._neighbours = Neighbours(inventory, edges.kernel)
        self._tasks: list[asyncio.Task[None]] = []

    async def _gateway_network(self) -> NetworkRecord:
        return await self.networks.gateway_network()

    def backend(self, system: SystemService) -> Backend:
        """Return what the API serves."""
        return Backend(
            containers=self.containers,
            files=self.files,
            commits=self._commits,
            execs=self.execs,
            stats=self.stats,
            networks=self.networks,
            volumes=self.volumes,
            images=self.images,
            events=self.events,
            system=system,
        )

    async def start(self) -> None:
        """Bring records, kernel and processes into agreement; containers that are due start in the background."""
        self._neighbours.make_room()
        await self._restore_relay()
        await self.firewall.load()  # networks add their elements to it
        await self.default_networks.ensure()
        await self.volumes.restore()
        await self._lifecycle.volumes.restore()
        due = await self.recovery.run()
        await self.volumes.remove_leaving()
        await self.obstacles.look()
        await self.firewall.load()
        await self.recovery.restore_names()
        await self._sandboxes.service.adopt_leases()
        await self.recovery.take_away_unsettled()
        await self._edges.images.collect(self.images.in_use())
        self._lifecycle.health.watch_all()
        self._tasks = [
            asyncio.create_task(self.firewall.guard()),
            asyncio.create_task(self.obstacles.watch()),
            asyncio.create_task(self.firewall.follow()),
            asyncio.create_task(self._sandboxes.publisher.follow_relay()),
            asyncio.create_task(self.recovery.start_due(due)),
            asyncio.create_task(self._sandboxes.ipams.restore()),
            asyncio.create_task(self._lease_watch.run()),
            asyncio.create_task(self._sandboxes.service.check_outside()),
        ]

    def warnings(self) -> tuple[str, ...]:
        """Return what /info warns of: what stops containers' traffic, and limits that are near."""
        return self.obstacles.warnings() + self._neighbours.warnings()

    async def _restore_relay(self) -> None:
        running = (record for record in self.inventory.containers.values() if record.sandbox_id == record.id)
        await self._edges.relay.restore({record.id: self._sandboxes.publisher.relayed(record) for record in running})
        self._sandboxes.publisher.find_relay()

    async def hand_over_names(self) -> None:
        """Tell a new DNS process everything."""
        await self.recovery.restore_names()

    async def stop(self) -> None:
        """Let go; containers, ports and names stay as they are."""
        await self._lifecycle.close()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
