"""The engine's services made, a function a group: each service gets what it needs, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from weft.drivers.registry import Registry
from weft.engine.containers.changes import Changes
from weft.engine.containers.commit import CommitService
from weft.engine.containers.control import Control
from weft.engine.containers.creation import Creation
from weft.engine.containers.execs import ExecService
from weft.engine.containers.files import FileService
from weft.engine.containers.health_monitor import HealthMonitor
from weft.engine.containers.lifecycle import Lifecycle
from weft.engine.containers.mounts import MountResolver
from weft.engine.containers.removal import Removal
from weft.engine.containers.service import ContainerService
from weft.engine.containers.stats import StatsService
from weft.engine.contract.container_files import ContainerFiles
from weft.engine.contract.environment import Environment
from weft.engine.contract.files import HostFiles
from weft.engine.contract.images import Images
from weft.engine.contract.kernel import Kernel
from weft.engine.contract.leases import Leases
from weft.engine.contract.names import Names
from weft.engine.contract.records import Store
from weft.engine.contract.relay import Relay
from weft.engine.contract.remote import Remotes
from weft.engine.contract.runtime import Runtime
from weft.engine.contract.volumes import Volumes
from weft.engine.events import EventBus
from weft.engine.images import ImageService
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.engine.networks.arrivals import Arrivals
from weft.engine.networks.ipams import Ipams
from weft.engine.networks.outside import OutsideNetworks
from weft.engine.networks.service import NetworkService
from weft.engine.recovery import Recovery
from weft.engine.sandbox.addresses import AddressBook
from weft.engine.sandbox.allotment import Allotment
from weft.engine.sandbox.endpoints import Endpoints
from weft.engine.sandbox.leasing import Leasing
from weft.engine.sandbox.links import Links
from weft.engine.sandbox.membership import Membership
from weft.engine.sandbox.name_service import NameService
from weft.engine.sandbox.news import News
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
from weft.engine.volume_mounts import VolumeMounts
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
    container_files: ContainerFiles
    names: Names
    store: Store
    remotes: Remotes
    relay: Relay
    leases: Leases


@dataclass(frozen=True, slots=True)
class Ground:
    """What every service may need: the edges, the records, and what belongs to all of the engine."""

    edges: Edges
    inventory: Inventory
    settings: Settings
    drivers: Registry
    environment: Environment
    events: EventBus
    container_locks: Locks
    addresses: AddressBook
    shards: ShardBook
    ports: PortBook
    arrivals: Arrivals


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """The services of sandboxes."""

    obstacles: Obstacles
    publisher: Publisher
    links: Links
    ipams: Ipams
    news: News
    membership: Membership
    service: SandboxService


@dataclass(frozen=True, slots=True)
class Containers:
    """The services of containers, and of what they are made from."""

    images: ImageService
    volumes: VolumeService
    lifecycle: Lifecycle
    removal: Removal
    execs: ExecService
    files: FileService
    stats: StatsService
    commits: CommitService
    service: ContainerService


def make_sandboxes(ground: Ground, gateway_network: Callable[[], Awaitable[NetworkRecord]]) -> Sandboxes:
    """Return the services of sandboxes; `gateway_network` gives docker_gwbridge, made if need be."""
    edges, inventory, settings, drivers = ground.edges, ground.inventory, ground.settings, ground.drivers
    kernel, runtime, files = edges.kernel, edges.runtime, edges.files
    obstacles = Obstacles(inventory, kernel, drivers, edges.relay)
    reach = Reach(inventory, drivers, settings.publish)
    publisher = Publisher(inventory, kernel, ground.ports, settings, reach, edges.relay, obstacles)
    links = Links(inventory, drivers, environment=settings.link_variables)
    names = NameService(files, settings, lambda: _host_gateways(ground), drivers.is_isolated, links.host_entries)
    endpoints = Endpoints(ground.addresses, ground.shards, drivers, ground.environment, files.hostname())
    ipams = Ipams(inventory, edges.remotes, ground.environment)
    allotment = Allotment(inventory, endpoints, ipams)
    planner = SandboxPlanner(inventory, drivers, publisher)
    outside = Outside(inventory, kernel, drivers, edges.remotes, ground.ports)
    leasing = Leasing(inventory, kernel, edges.leases)
    way_out = WayOut(inventory, drivers, gateway_network)
    news = News(inventory, kernel, runtime, edges.names, names, endpoints, links, ground.events)
    return Sandboxes(
        obstacles,
        publisher,
        links,
        ipams,
        news,
        Membership(inventory, kernel, allotment, planner, publisher, links, outside, leasing, way_out, news),
        SandboxService(
            inventory,
            kernel,
            runtime,
            names,
            allotment,
            planner,
            publisher,
            links,
            outside,
            leasing,
            way_out,
            news,
            ground.arrivals,
        ),
    )


def _host_gateways(ground: Ground) -> tuple[Address, ...]:
    """Return what `host-gateway` in --add-host stands for."""
    if ground.settings.host_gateways:
        return ground.settings.host_gateways
    bridge = ground.inventory.network_named("bridge")
    return tuple(pool.gateway for pool in bridge.pools if pool.gateway is not None) if bridge else ()


def make_networks(ground: Ground, sandboxes: Sandboxes) -> NetworkService:
    """Return the service of networks."""
    return NetworkService(
        ground.inventory,
        ground.edges.kernel,
        ground.drivers,
        ground.addresses,
        sandboxes.membership,
        OutsideNetworks(ground.inventory, ground.drivers, ground.edges.remotes, sandboxes.ipams),
        ground.container_locks,
        ground.arrivals,
        ground.events,
        ground.environment,
        ground.settings,
    )


def make_containers(ground: Ground, sandboxes: Sandboxes) -> Containers:
    """Return the services of containers."""
    inventory, settings, environment, events = ground.inventory, ground.settings, ground.environment, ground.events
    edges, locks, runtime = ground.edges, ground.container_locks, ground.edges.runtime
    volumes = VolumeService(inventory, edges.volumes, events, environment)
    images = ImageService(edges.images, inventory, events, environment)
    execs = ExecService(inventory, runtime, events, environment)
    health = HealthMonitor(inventory, execs, events, environment, locks)
    volume_mounts = VolumeMounts(inventory, edges.volumes)
    lifecycle = Lifecycle(inventory, runtime, sandboxes.service, events, environment, locks, health, volume_mounts)
    control = Control(inventory, runtime, lifecycle, events, settings)
    removal = Removal(inventory, runtime, sandboxes.service, volumes, lifecycle, control, events, environment)
    mounts = MountResolver(inventory, volumes, images, edges.files)
    creation = Creation(
        inventory, images, runtime, volumes, volume_mounts, mounts, sandboxes.obstacles, events, environment, settings
    )
    port_change = PortChange(inventory, ground.drivers, edges.kernel, sandboxes.publisher)
    service = ContainerService(
        inventory,
        runtime,
        images,
        sandboxes.service,
        sandboxes.news,
        lifecycle,
        creation,
        control,
        removal,
        execs,
        Changes(inventory, runtime, locks, port_change, events),
        events,
    )
    files = FileService(inventory, edges.container_files, volume_mounts, sandboxes.service, locks, events)
    commits = CommitService(inventory, images, files, control, events)
    stats = StatsService(inventory, runtime, edges.kernel, environment)
    return Containers(images, volumes, lifecycle, removal, execs, files, stats, commits, service)


def make_recovery(ground: Ground, sandboxes: Sandboxes, networks: NetworkService, containers: Containers) -> Recovery:
    """Return what brings records and kernel into agreement at a start."""
    return Recovery(
        ground.inventory,
        ground.edges.kernel,
        ground.edges.runtime,
        ground.edges.names,
        ground.addresses,
        ground.shards,
        ground.ports,
        networks,
        sandboxes.service,
        sandboxes.membership,
        sandboxes.news,
        containers.lifecycle,
        containers.removal,
    )
