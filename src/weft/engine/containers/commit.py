"""Commits: a container's writable layer becomes an image (Engine API v1.51 ImageCommit)."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace

from weft.engine.containers import health
from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.control import Control
from weft.engine.containers.files import FileService, check_whole
from weft.engine.contract.images import Commit
from weft.engine.events import EventBus
from weft.engine.images import ImageService
from weft.engine.inventory import Inventory
from weft.model.container import ContainerRecord, ContainerSpec, Status
from weft.model.errors import Conflict, NotFound
from weft.model.image import ImageConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRequest:
    """What is asked for; `config` None is the container's own, "" as repository leaves the image unnamed."""

    repository: str = ""
    tag: str = ""
    comment: str = ""
    author: str = ""
    pause: bool = True
    changes: tuple[str, ...] = ()
    config: ImageConfig | None = None


class CommitService:
    """Makes images of containers, running or not."""

    def __init__(
        self, inventory: Inventory, images: ImageService, files: FileService, control: Control, events: EventBus
    ) -> None:
        self._inventory = inventory
        self._images = images
        self._files = files
        self._control = control
        self._events = events

    async def commit(self, reference: str, request: CommitRequest) -> str:
        """Return the new image's id; InvalidParameter for a malformed name or change, before anything is made."""
        record = self._inventory.find_container(reference)
        check_whole(record, "commit")
        name = self._images.commit_name(request.repository, request.tag)
        own = container_config(record.spec)
        config = merged(self._images.changed_config(request.config or own, request.changes), own)
        commit = Commit(
            config=config,
            created_by=" ".join(record.spec.process.cmd or ()),
            author=request.author,
            comment=request.comment,
        )
        async with self._paused(record, request):
            async with self._files.opened(record) as files, aclosing(files.difference()) as layer:
                image = await self._images.commit(record.image_id, layer, commit)
            if name:
                await self._images.tag(image.id, request.repository, request.tag)
            attributes = {"comment": request.comment, "imageID": image.id, "imageRef": name}
            self._events.emit("container", "commit", record.id, event_attributes(record, **attributes))
        return image.id

    @asynccontextmanager
    async def _paused(self, record: ContainerRecord, request: CommitRequest) -> AsyncIterator[None]:
        """Freeze a running container meanwhile, so that its files agree with each other."""
        if not request.pause or record.state.status is not Status.RUNNING:
            yield
            return
        try:
            await self._control.pause(record.id, committing=True)
        except Conflict:  # it has ended, or somebody else has paused it
            yield
            return
        try:
            yield
        finally:
            with suppress(Conflict, NotFound):  # somebody else has let it go on, or ended it
                await self._control.unpause(record.id)


def container_config(spec: ContainerSpec) -> ImageConfig:
    """Return what a container was made with, as an image carries it."""
    process = spec.process
    return ImageConfig(
        entrypoint=process.entrypoint,
        cmd=process.cmd,
        env=process.env,
        user=process.user,
        working_dir=process.working_dir,
        exposed_ports=tuple(str(port) for port in spec.networking.exposed),
        volumes=spec.anonymous_volumes,
        labels=spec.labels,
        stop_signal=process.stop_signal,
        shell=process.shell,
        health=spec.health,
    )


def merged(wanted: ImageConfig, container: ImageConfig) -> ImageConfig:
    """Return what is wanted, completed with what the container has, as Docker does."""
    given = {entry.partition("=")[0] for entry in wanted.env}
    inherited = tuple(entry for entry in container.env if entry.partition("=")[0] not in given)
    entrypoint, cmd = wanted.entrypoint, wanted.cmd
    if not entrypoint:
        cmd = cmd or container.cmd
        entrypoint = container.entrypoint if entrypoint is None else None
    return replace(
        wanted,
        entrypoint=entrypoint,
        cmd=cmd,
        env=wanted.env + inherited,
        user=wanted.user or container.user,
        working_dir=wanted.working_dir or container.working_dir,
        exposed_ports=tuple(dict.fromkeys((*wanted.exposed_ports, *container.exposed_ports))),
        volumes=tuple(dict.fromkeys((*wanted.volumes, *container.volumes))),
        labels={**container.labels, **wanted.labels},
        stop_signal=wanted.stop_signal or container.stop_signal,
        health=health.merged(wanted.health, container.health),
    )
