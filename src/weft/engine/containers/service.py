"""All that the API does with containers, each use case in its own file."""

from collections.abc import AsyncIterator, Awaitable, Mapping

from weft.engine.containers import states
from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.changes import Changes
from weft.engine.containers.control import Control
from weft.engine.containers.creation import Creation, check_name_free
from weft.engine.containers.execs import ExecService
from weft.engine.containers.lifecycle import Lifecycle
from weft.engine.containers.listing import ContainerListing
from weft.engine.containers.removal import Removal
from weft.engine.contract.runtime import LogLine, LogQuery, Runtime, Stdio
from weft.engine.events import EventBus
from weft.engine.images import ImageService
from weft.engine.inventory import Inventory
from weft.engine.results import Created, Pruned, TopResult
from weft.engine.sandbox.news import News
from weft.engine.sandbox.service import SandboxService
from weft.engine.waiting import WaitCondition, WaitResult
from weft.model.container import ContainerRecord, ContainerSpec
from weft.model.endpoint import EndpointSpec
from weft.model.errors import Conflict, InvalidParameter, NotFound
from weft.model.ids import CONTAINER_NAME_RULE, is_container_name

Filters = Mapping[str, tuple[str, ...]]


class ContainerService:
    """Implements weft.api.backend.Containers."""

    def __init__(
        self,
        inventory: Inventory,
        runtime: Runtime,
        images: ImageService,
        sandboxes: SandboxService,
        news: News,
        lifecycle: Lifecycle,
        creation: Creation,
        control: Control,
        removal: Removal,
        execs: ExecService,
        changes: Changes,
        events: EventBus,
    ) -> None:
        self._inventory = inventory
        self._runtime = runtime
        self._images = images
        self._sandboxes = sandboxes
        self._news = news
        self._lifecycle = lifecycle
        self._events = events
        self._execs = execs
        self._listing = ContainerListing(inventory, images.find)
        self._creation = creation
        self._removal = removal
        self.find = inventory.find_container
        self.stop = control.stop
        self.kill = control.kill
        self.restart = control.restart
        self.pause = control.pause
        self.unpause = control.unpause
        self.publish = changes.publish
        self.withdraw = changes.withdraw
        self.update = changes.update

    def list(self, *, all: bool, limit: int, filters: Filters) -> tuple[ContainerRecord, ...]:
        """Return containers, newest first."""
        return self._listing.list(all=all, limit=limit, filters=filters)

    async def create(
        self, name: str, spec: ContainerSpec, networks: Mapping[str, EndpointSpec], platform: str
    ) -> Created:
        """Make a container."""
        return await self._creation.create(name, spec, networks, platform)

    async def remove(self, reference: str, *, force: bool, volumes: bool, link: bool) -> None:
        """Remove a container."""
        await self._removal.remove(reference, force=force, volumes=volumes, link=link)

    async def prune(self, filters: Filters) -> Pruned:
        """Remove stopped containers."""
        return await self._removal.prune(filters)

    async def start(self, reference: str) -> None:
        """Start a container."""
        await self._lifecycle.start(self._inventory.find_container(reference).id)

    async def rename(self, reference: str, name: str) -> None:
        """Give a container another name, which its networks know at once."""
        name = name.removeprefix("/")
        if not name:
            raise InvalidParameter("Neither old nor new names may be empty")
        if not is_container_name(name):
            raise InvalidParameter(f"Invalid container name ({name}), only {CONTAINER_NAME_RULE} are allowed")
        container_id = self._inventory.find_container(reference).id
        async with self._lifecycle.locks.hold(container_id):
            record = self._inventory.find_container(container_id)
            if record.name == name:
                raise InvalidParameter("Renaming a container with the same name as its current name")
            check_name_free(self._inventory, name)
            renamed = await self._news.rename(record, name)
        self._events.emit("container", "rename", renamed.id, event_attributes(renamed, oldName=f"/{record.name}"))

    async def wait(self, reference: str, condition: WaitCondition) -> Awaitable[WaitResult]:
        """Register a waiter; the result comes when the condition holds."""
        return self._lifecycle.waiters.register(self._inventory.find_container(reference), condition)

    async def attach(self, reference: str) -> Stdio:
        """Connect to the standard streams, now or when the container starts."""
        record = self._inventory.find_container(reference)
        if record.state.status.value == "paused":
            raise Conflict(f"container {record.id} is paused, unpause the container before attach")
        stdio: Stdio
        if record.state.is_running:
            stdio = await self._runtime.attach(record.id)
        else:
            stdio = self._lifecycle.attachers.add(record.id)
        self._events.emit("container", "attach", record.id, event_attributes(record))
        return stdio

    def logs(self, reference: str, query: LogQuery) -> AsyncIterator[LogLine]:
        """Return log lines."""
        record = self._inventory.find_container(reference)
        if record.spec.log.driver == "none":
            raise InvalidParameter("configured logging driver does not support reading")
        return self._runtime.logs(record.id, query)

    async def resize(self, reference: str, rows: int, columns: int) -> None:
        """Give the container's terminal another size."""
        record = self._inventory.find_container(reference)
        states.check_running(record)
        await self._runtime.resize(record.id, rows, columns)
        self._events.emit(
            "container", "resize", record.id, event_attributes(record, height=str(rows), width=str(columns))
        )

    async def top(self, reference: str, ps_args: str) -> TopResult:
        """Return ps' table of the container's processes."""
        record = self._inventory.find_container(reference)
        states.check_running(record)
        titles, rows = await self._runtime.top(record.id, tuple(ps_args.split()))
        self._events.emit("container", "top", record.id, event_attributes(record))
        return TopResult(titles, rows)

    async def sizes(self, reference: str) -> tuple[int, int]:
        """Return bytes of the writable layer, and of the whole root."""
        record = self._inventory.find_container(reference)
        own = await self._runtime.size(record.id)
        try:
            return own, own + self._images.find(record.image_id).size
        except NotFound:  # its image was force-removed
            return own, own

    def log_path(self, record: ContainerRecord) -> str:
        """Return the log file's path."""
        return self._runtime.log_path(record.id)

    def directory(self, record: ContainerRecord) -> str:
        """Return the directory that holds the container's hosts, hostname and resolv.conf."""
        return self._sandboxes.files_directory(record)

    def sandbox_path(self, record: ContainerRecord) -> str:
        """Return the pinned namespace's path, "" without one."""
        return self._sandboxes.path(record)

    def links(self, record: ContainerRecord) -> tuple[str, ...]:
        """Return the legacy links of a container, as `/target:/container/alias`."""
        return self._sandboxes.links_of(record)

    def exec_ids(self, record: ContainerRecord) -> tuple[str, ...]:
        """Return the ids of running execs."""
        return self._execs.of_container(record.id)
