"""Mounts asked for become mounts resolved: volumes made, host paths checked."""

from dataclasses import replace
from posixpath import normpath

from weft.engine.contract.files import HostFiles
from weft.engine.images import ImageService
from weft.engine.inventory import Inventory
from weft.engine.volumes import VolumeService
from weft.model.container import ContainerSpec, Mount, MountSpec, MountType
from weft.model.errors import InvalidParameter, NotFound
from weft.model.image import ImageRecord

_INHERITED = frozenset({"ro", "rw", "z", "Z"})


class MountResolver:
    """Resolves the mounts of a new container."""

    def __init__(self, inventory: Inventory, volumes: VolumeService, images: ImageService, files: HostFiles) -> None:
        self._inventory = inventory
        self._volumes = volumes
        self._images = images
        self._files = files

    async def resolve(self, spec: ContainerSpec, made: list[str]) -> tuple[Mount, ...]:
        """Return all mounts, the user's before inherited ones before the image's; names of new volumes go to `made`."""
        self._check(spec.mounts)
        mounts: dict[str, Mount] = {}
        for inherited in self._inherited(spec.volumes_from):
            mounts[inherited.target] = inherited
        for wanted in spec.mounts:
            mounts[normpath(wanted.target)] = await self._resolve(wanted, made)
        for target in spec.anonymous_volumes:
            if normpath(target) not in mounts:
                anonymous = MountSpec(type=MountType.VOLUME, target=target)
                mounts[normpath(target)] = await self._resolve(anonymous, made)
        return tuple(mounts.values())

    def _check(self, mounts: tuple[MountSpec, ...]) -> None:
        seen: set[str] = set()
        for mount in mounts:
            target = normpath(mount.target)
            if not target.startswith("/"):
                raise _invalid(mount.type, f"invalid mount path: '{target}' mount path must be absolute")
            if target == "/":
                raise _invalid(mount.type, "invalid specification: destination can't be '/'")
            if target in seen:
                raise InvalidParameter(f"Duplicate mount point: {target}")
            seen.add(target)

    def _inherited(self, sources: tuple[str, ...]) -> list[Mount]:
        mounts: list[Mount] = []
        for source in sources:
            reference, _, mode = source.partition(":")
            flags = mode.split(",") if mode else []
            if len(set(flags) & {"ro", "rw"}) > 1 or len(set(flags)) < len(flags) or not set(flags) <= _INHERITED:
                raise InvalidParameter(f"invalid mode: {mode}")
            try:
                source_mounts = self._inventory.find_container(reference).mounts
            except NotFound as error:  # as it is, clients would take it for a missing image
                raise InvalidParameter(error.message) from error
            for mount in source_mounts:
                inherited = replace(mount, copy_up=False)  # it was filled for whom it was made
                mounts.append(replace(inherited, read_only=True, mode="ro") if "ro" in flags else inherited)
        return mounts

    async def _resolve(self, wanted: MountSpec, made: list[str]) -> Mount:
        target = normpath(wanted.target)
        match wanted.type:
            case MountType.TMPFS:
                options = wanted.tmpfs_options
                return Mount(
                    type=wanted.type, source="", target=target, tmpfs_options=options, read_only=wanted.read_only
                )
            case MountType.BIND:
                return self._bind(wanted, target)
            case MountType.IMAGE:
                image = self._image(wanted.source)
                return Mount(
                    type=wanted.type,
                    source=wanted.source,
                    target=target,
                    name=image.id,
                    read_only=True,
                    subpath=wanted.subpath,
                    layers=image.layers,
                )
        known = wanted.source in self._inventory.volumes
        volume = await self._volumes.create(
            wanted.source, wanted.volume_driver, wanted.volume_options, wanted.volume_labels
        )
        if not known:
            made.append(volume.name)
        return Mount(
            type=MountType.VOLUME,
            source=volume.mountpoint,
            target=target,
            name=volume.name,
            driver=volume.driver,
            mode=wanted.mode,
            read_only=wanted.read_only,
            copy_up=not wanted.no_copy,
            subpath=wanted.subpath,
        )

    def _image(self, reference: str) -> ImageRecord:
        try:
            return self._images.find(reference)
        except NotFound as error:  # as it is, clients would take it for the container's own image
            raise InvalidParameter(error.message) from error

    def _bind(self, wanted: MountSpec, target: str) -> Mount:
        if not wanted.source.startswith("/"):
            raise _invalid(wanted.type, f"invalid mount path: '{wanted.source}' mount path must be absolute")
        if not self._files.exists(wanted.source):
            if not (wanted.from_binds or wanted.make_source):
                raise _invalid(wanted.type, f"bind source path does not exist: {wanted.source}")
            self._files.make_directory(wanted.source)
        return Mount(
            type=MountType.BIND,
            source=normpath(wanted.source),
            target=target,
            mode=wanted.mode,
            read_only=wanted.read_only,
            propagation=wanted.propagation or "rprivate",
            recursive=wanted.recursive,
            read_only_depth=wanted.read_only_depth,
        )


def _invalid(type: MountType, reason: str) -> InvalidParameter:
    return InvalidParameter(f'invalid mount config for type "{type.value}": {reason}')
