"""What the API needs of the engine: each route file uses the part that carries its noun."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from weft.engine.containers.commit import CommitRequest
from weft.engine.containers.limits import LimitChange
from weft.engine.containers.stats import Sample
from weft.engine.contract.container_files import Extraction, FileChange, PathStat
from weft.engine.contract.images import Credentials, Distribution, Progress
from weft.engine.contract.runtime import ExecSpec, LogLine, LogQuery, Stdio
from weft.engine.results import Created, ExecState, Pruned, SystemState, TopResult
from weft.engine.waiting import WaitCondition, WaitResult
from weft.model.container import ContainerRecord, ContainerSpec, RestartPolicy
from weft.model.endpoint import EndpointSpec
from weft.model.event import Event
from weft.model.image import ImageRecord
from weft.model.network import NetworkRecord, NetworkSpec
from weft.model.port import PortRequest
from weft.model.volume import VolumeRecord

Filters = Mapping[str, tuple[str, ...]]  # decoded `filters` parameter: key -> values


class Containers(Protocol):
    """References are an id, a name or an unambiguous id prefix; NotFound is `No such container: X`."""

    def find(self, reference: str) -> ContainerRecord: ...

    def list(self, *, all: bool, limit: int, filters: Filters) -> tuple[ContainerRecord, ...]:
        """Newest first. InvalidParameter `invalid filter 'x'` for an unknown key or value."""
        ...

    async def create(
        self, name: str, spec: ContainerSpec, networks: Mapping[str, EndpointSpec], platform: str
    ) -> Created:
        """`name` "" lets the engine choose. `networks` is keyed by network name or id as the client sent it.

        The image's defaults (entrypoint, cmd, env, volumes, exposed ports, labels, user, workdir, stop signal) are
        merged in here: `spec` holds only what the client sent.
        """
        ...

    async def start(self, reference: str) -> None:
        """NotModified if it runs already."""
        ...

    async def stop(self, reference: str, *, grace: int | None, signal: str) -> None: ...

    async def restart(self, reference: str, *, grace: int | None, signal: str) -> None: ...

    async def kill(self, reference: str, signal: str) -> None: ...

    async def pause(self, reference: str) -> None: ...

    async def unpause(self, reference: str) -> None: ...

    async def rename(self, reference: str, name: str) -> None: ...

    async def remove(self, reference: str, *, force: bool, volumes: bool, link: bool) -> None: ...

    async def publish(self, reference: str, requests: Sequence[PortRequest]) -> ContainerRecord:
        """Publish further ports, at once if it runs."""
        ...

    async def withdraw(self, reference: str, withdrawals: Sequence[PortRequest]) -> ContainerRecord:
        """Withdraw ports; a request without a host port means all bindings of its container port."""
        ...

    async def update(
        self,
        reference: str,
        *,
        ports: Sequence[PortRequest] | None,
        restart: RestartPolicy | None,
        limits: LimitChange | None,
    ) -> ContainerRecord:
        """Replace published ports and restart policy, change limits; None leaves them."""
        ...

    async def prune(self, filters: Filters) -> Pruned: ...

    async def wait(self, reference: str, condition: WaitCondition) -> Awaitable[WaitResult]:
        """Register the waiter now; the result of what is returned comes when the condition holds."""
        ...

    async def attach(self, reference: str) -> Stdio:
        """Connect to the standard streams, now or as soon as the container starts; output before that is not lost."""
        ...

    def logs(self, reference: str, query: LogQuery) -> AsyncIterator[LogLine]: ...

    async def resize(self, reference: str, rows: int, columns: int) -> None: ...

    async def top(self, reference: str, ps_args: str) -> TopResult: ...

    async def sizes(self, reference: str) -> tuple[int, int]:
        """Return (bytes of the writable layer, bytes of the whole root)."""
        ...

    def log_path(self, record: ContainerRecord) -> str: ...

    def directory(self, record: ContainerRecord) -> str: ...

    def sandbox_path(self, record: ContainerRecord) -> str:
        """Return the pinned namespace's path, "" without one."""
        ...

    def exec_ids(self, record: ContainerRecord) -> tuple[str, ...]: ...

    def links(self, record: ContainerRecord) -> tuple[str, ...]:
        """Return the legacy links of a container, as `/target:/container/alias`."""
        ...


class Files(Protocol):
    """Files of containers, running or not. NotFound is `Could not find the file X in container Y`."""

    async def stat(self, reference: str, path: str) -> PathStat: ...

    def archive(
        self, reference: str, path: str
    ) -> AbstractAsyncContextManager[tuple[PathStat, AsyncIterator[bytes]]]: ...

    async def extract(self, reference: str, path: str, archive: AsyncIterator[bytes], how: Extraction) -> None:
        """Forbidden where the volume or the root is read-only."""
        ...

    def export(self, reference: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]: ...

    async def changes(self, reference: str) -> tuple[FileChange, ...]: ...


class Stats(Protocol):
    """What containers use. NotFound is `No such container: X`."""

    async def once(self, reference: str) -> Sample:
        """Return a sample of now."""
        ...

    def follow(self, reference: str) -> AsyncIterator[Sample]:
        """Yield a sample now and every second, until the container is removed."""
        ...


class Commits(Protocol):
    """Images made of containers."""

    async def commit(self, reference: str, request: CommitRequest) -> str:
        """Return the new image's id."""
        ...


class Execs(Protocol):
    """NotFound is `No such exec instance: X`."""

    async def create(self, container: str, spec: ExecSpec) -> str: ...

    async def start(self, exec_id: str, *, detach: bool, tty: bool, console_size: tuple[int, int]) -> Stdio | None: ...

    async def resize(self, exec_id: str, rows: int, columns: int) -> None: ...

    def inspect(self, exec_id: str) -> ExecState: ...


class Networks(Protocol):
    """References: whole id, exact name, unambiguous id prefix; NotFound is `network X not found`."""

    def find(self, reference: str) -> NetworkRecord: ...

    def list(self, filters: Filters) -> tuple[NetworkRecord, ...]: ...

    def members(self, record: NetworkRecord) -> tuple[ContainerRecord, ...]:
        """Return the containers with a live endpoint on it."""
        ...

    async def create(self, spec: NetworkSpec) -> Created: ...

    async def remove(self, reference: str) -> None: ...

    async def connect(self, reference: str, container: str, spec: EndpointSpec) -> None: ...

    async def disconnect(self, reference: str, container: str, *, force: bool) -> None: ...

    async def prune(self, filters: Filters) -> Pruned: ...


class Volumes(Protocol):
    """NotFound is `get X: no such volume`."""

    def find(self, name: str) -> VolumeRecord: ...

    def list(self, filters: Filters) -> tuple[VolumeRecord, ...]: ...

    async def size(self, record: VolumeRecord) -> int:
        """Return the bytes that its files hold."""
        ...

    async def create(
        self, name: str, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> VolumeRecord: ...

    async def remove(self, name: str, *, force: bool) -> None: ...

    async def prune(self, filters: Filters) -> Pruned: ...


class ImageService(Protocol):
    """Stored images, with events and with what containers use kept; lookups as in weft.engine.contract.images."""

    def list(self) -> tuple[ImageRecord, ...]: ...

    def find(self, reference: str) -> ImageRecord: ...

    def filtered(self, filters: Filters, *, all: bool) -> tuple[ImageRecord, ...]: ...

    def containers_of(self, image_id: str) -> int: ...

    async def history(self, reference: str) -> tuple[dict[str, object], ...]: ...

    async def tag(self, source: str, repository: str, tag: str) -> ImageRecord: ...

    async def delete(self, reference: str, *, force: bool, prune: bool) -> tuple[tuple[str, str], ...]:
        """Return ("Untagged", reference) and ("Deleted", id) in order."""
        ...

    async def prune_unused(self, filters: Filters) -> tuple[tuple[tuple[str, str], ...], int]: ...

    def pull(
        self, reference: str, credentials: Credentials | None, platform: str, *, all_tags: bool = False
    ) -> AsyncIterator[Progress]: ...

    def push(self, reference: str, credentials: Credentials | None) -> AsyncIterator[Progress]: ...

    async def distribution(self, reference: str, credentials: Credentials | None) -> Distribution: ...

    def load(self, archive: AsyncIterator[bytes], *, quiet: bool) -> AsyncIterator[Progress]: ...

    def save(self, references: tuple[str, ...]) -> AsyncIterator[bytes]: ...

    def import_(
        self,
        archive: AsyncIterator[bytes],
        *,
        repository: str,
        tag: str,
        message: str,
        changes: tuple[str, ...],
        platform: str = "",
    ) -> AsyncIterator[Progress]: ...

    def layer_directories(self, diff_ids: tuple[str, ...]) -> tuple[str, ...]:
        """Return the unpacked layers' directories, lowest first; SystemFailure if one is not there."""
        ...


class Events(Protocol):
    """The event stream."""

    def subscribe(self, *, filters: Filters, since: int, until: int) -> AsyncIterator[Event]:
        """Yield events from `since` (0: from now) until `until` (0: for ever), both nanoseconds since the epoch."""
        ...


class System(Protocol):
    """The engine as a whole."""

    def state(self) -> SystemState: ...

    async def verify_credentials(self, username: str, password: str, server: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Backend:
    """All that the API serves."""

    containers: Containers
    files: Files
    commits: Commits
    execs: Execs
    stats: Stats
    networks: Networks
    volumes: Volumes
    images: ImageService
    events: Events
    system: System
