"""Make a container: everything is checked before anything is made, and nothing half-made stays."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from weft.engine.containers.attachments import attachments_of
from weft.engine.containers.attributes import event_attributes
from weft.engine.containers.defaults import with_daemon_defaults, with_image_defaults
from weft.engine.containers.links import with_links
from weft.engine.containers.mounts import MountResolver
from weft.engine.containers.names import generate
from weft.engine.containers.signals import signal_number
from weft.engine.contract.environment import Environment
from weft.engine.contract.runtime import Runtime
from weft.engine.events import EventBus
from weft.engine.images import ImageService
from weft.engine.inventory import Inventory
from weft.engine.results import Created
from weft.engine.sandbox.mode import is_host, joined_container, mode_joining
from weft.engine.sandbox.obstacles import Obstacles
from weft.engine.settings import Settings
from weft.engine.volume_mounts import VolumeMounts
from weft.engine.volumes import VolumeService
from weft.model.container import ContainerRecord, ContainerSpec, NetworkingSpec
from weft.model.endpoint import EndpointSpec
from weft.model.errors import Conflict, InvalidParameter, NotFound
from weft.model.exposure import check_exposure_labels
from weft.model.ids import CONTAINER_NAME_RULE, is_container_name
from weft.model.image import ImageRecord

DISCARDED_PORTS = "Published ports are discarded when using host network mode"


class Creation:
    """Creates containers."""

    def __init__(
        self,
        inventory: Inventory,
        images: ImageService,
        runtime: Runtime,
        volumes: VolumeService,
        volume_mounts: VolumeMounts,
        mounts: MountResolver,
        obstacles: Obstacles,
        events: EventBus,
        environment: Environment,
        settings: Settings,
    ) -> None:
        self._inventory = inventory
        self._images = images
        self._runtime = runtime
        self._volumes = volumes
        self._volume_mounts = volume_mounts
        self._mounts = mounts
        self._obstacles = obstacles
        self._events = events
        self._environment = environment
        self._settings = settings
        self._reserved: set[str] = set()  # names of containers being made

    async def create(
        self, name: str, spec: ContainerSpec, networks: Mapping[str, EndpointSpec], platform: str
    ) -> Created:
        """Return the new container's id and warnings."""
        image = await self._image(spec.image, platform)
        spec = with_daemon_defaults(with_image_defaults(spec, image.config), self._settings)
        if spec.process.stop_signal:
            signal_number(spec.process.stop_signal)
        check_exposure_labels(spec.labels)
        spec, warnings = self._networking(spec)
        networking, networks = with_links(self._inventory, spec.networking, networks)
        spec = replace(spec, networking=networking)
        attachments = attachments_of(self._inventory, spec.networking, networks)
        name = self._reserve(name)
        made: list[str] = []
        record = ContainerRecord(
            id=self._environment.new_id(),
            name=name,
            created=self._environment.now(),
            image_id=image.id,
            spec=spec,
            layers=image.layers,
            attachments=attachments,
        )
        try:
            record = replace(record, mounts=await self._mounts.resolve(spec, made))
            await self._volume_mounts.hold(record)
            try:
                await self._runtime.prepare(record)
            finally:
                await self._volume_mounts.let_go(record)
            self._inventory.save(record)
        except BaseException:
            await self._runtime.remove(record.id)
            for volume in made:
                await self._volumes.remove(volume, force=True)
            raise
        finally:
            self._reserved.discard(name)
        self._events.emit("container", "create", record.id, event_attributes(record))
        obstacles = self._obstacles.of(record) if _publishes(spec.networking) else ()
        return Created(record.id, (*warnings, *obstacles))

    async def _image(self, reference: str, platform: str) -> ImageRecord:
        if not reference:
            raise InvalidParameter("no image specified: name the image that the container is made from")
        try:
            image = self._images.find(reference)
        except NotFound:
            if not await self._images.ensure_builtin(reference):
                raise
            image = self._images.find(reference)
        if not _provides(image, platform):
            raise NotFound(
                f"image with reference {reference} was found but does not provide the specified platform ({platform})"
            )
        return image

    def _networking(self, spec: ContainerSpec) -> tuple[ContainerSpec, tuple[str, ...]]:
        networking = spec.networking
        networking = replace(networking, mode=self._network_mode(networking.mode))
        warnings = (DISCARDED_PORTS,) if _publishes(networking) and is_host(networking.mode) else ()
        try:
            pid_mode, ipc_mode = self._resolved(spec.pid_mode), self._resolved(spec.ipc_mode)
        except NotFound as error:  # as it is, clients would take it for a missing image
            raise InvalidParameter(error.message) from error
        return replace(spec, networking=networking, pid_mode=pid_mode, ipc_mode=ipc_mode), warnings

    def _resolved(self, mode: str) -> str:
        """Return a namespace mode with the container that it names as an id: names may change."""
        joined = joined_container(mode)
        return mode_joining(self._inventory.find_container(joined).id) if joined else mode

    def _network_mode(self, mode: str) -> str:
        """Return a network mode likewise; a container that is not there yet is looked for at the start."""
        with suppress(NotFound):
            return self._resolved(mode)
        return mode

    def _reserve(self, name: str) -> str:
        name = name.removeprefix("/")
        if not name:
            name = generate(self._environment.random_below, self._is_taken)
        elif not is_container_name(name):
            raise InvalidParameter(f"Invalid container name ({name}), only {CONTAINER_NAME_RULE} are allowed")
        check_name_free(self._inventory, name)
        if name in self._reserved:
            raise Conflict(f'Conflict. The container name "/{name}" is already in use by a container being created.')
        self._reserved.add(name)
        return name

    def _is_taken(self, name: str) -> bool:
        return name in self._reserved or self._inventory.container_named(name) is not None


def check_name_free(inventory: Inventory, name: str) -> None:
    """Raise Conflict, in Docker's words, if a container has that name."""
    holder = inventory.container_named(name)
    if holder is not None:
        raise Conflict(
            f'Conflict. The container name "/{name}" is already in use by container "{holder.id}". '
            "You have to remove (or rename) that container to be able to reuse that name."
        )


def _publishes(networking: NetworkingSpec) -> bool:
    return bool(networking.ports) or networking.publish_all


def _provides(image: ImageRecord, platform: str) -> bool:
    """Whether the image is of the platform that a client named: os, os/architecture or more, "" any."""
    wanted = platform.split("/") if platform else []
    return all(given == own for given, own in zip(wanted, (image.os, image.architecture), strict=False))
