"""Mounts that the engine makes before a container can have them: parts of volumes, images, and binds of a directory
without what is mounted below it, which crun 1.8 would bring along.

They lie below the roots' mount point, named after the container, so that the next daemon finds them.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from weft.model.container import Mount, MountType
from weft.model.errors import InvalidParameter
from weft.runtime import syscalls
from weft.runtime.layout import Layout
from weft.runtime.overlay import LayerPaths, mount_layers

_MARK: Final = "mount-"


def stage(layout: Layout, container_id: str, mounts: tuple[Mount, ...], layers: LayerPaths) -> tuple[Mount, ...]:
    """Return the mounts with host paths for sources; InvalidParameter for a part that is not there or lies outside."""
    return tuple(_staged(layout, container_id, number, mount, layers) for number, mount in enumerate(mounts))


def places(layout: Layout, container_id: str) -> Iterator[Path]:
    """Yield the mount points that a container's run has."""
    yield from layout.roots.glob(f"{_MARK}{container_id}-*")


def place_of(layout: Layout, container_id: str, number: int) -> Path:
    """Return where the container's mount of that number is staged, if it is."""
    return layout.roots / f"{_MARK}{container_id}-{number}"


def unstage(layout: Layout, container_id: str) -> None:
    """Unmount and remove them; OSError."""
    for place in places(layout, container_id):
        try:
            syscalls.unmount(place, syscalls.MNT_DETACH)
        except OSError as error:
            if error.errno != errno.EINVAL:  # not mounted: it was cut off
                raise
        place.rmdir() if place.is_dir() else place.unlink()


def open_part(base: str | Path, subpath: str) -> int:
    """Return a descriptor of what lies at `subpath` below `base`; InvalidParameter in Docker's words."""
    try:
        return syscalls.open_beneath(base, subpath)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise InvalidParameter(
                f"failed to mount {subpath}: path concatenation escapes the base directory"
            ) from error
        reason = (error.strerror or str(error)).lower()
        raise InvalidParameter(f'cannot access path "{os.path.join(base, subpath)}": {reason}') from error


def _staged(layout: Layout, container_id: str, number: int, mount: Mount, layers: LayerPaths) -> Mount:
    place = place_of(layout, container_id, number)
    if mount.type is MountType.IMAGE:
        place.mkdir()
        mount_layers(layers(mount.layers), place)
        if mount.subpath:
            part = _copy(place, mount.subpath)
            syscalls.unmount(place, syscalls.MNT_DETACH)
            place.rmdir()
            _attach(part, place, syscalls.MS_PRIVATE)
    elif mount.type is MountType.BIND and not mount.recursive:
        _attach(syscalls.copy_mount(mount.source), place, syscalls.MS_SLAVE)
    elif mount.subpath:
        _attach(_copy(mount.source, mount.subpath), place, syscalls.MS_PRIVATE)
    else:
        return mount
    return replace(mount, source=str(place))


def _copy(base: str | Path, subpath: str) -> int:
    """Return a mount of a part that is nowhere yet."""
    descriptor = open_part(base, subpath)
    try:
        return syscalls.copy_mount(f"/proc/self/fd/{descriptor}", recursive=True)
    finally:
        os.close(descriptor)


def _attach(copy: int, place: Path, propagation: int) -> None:
    """Put a copy in its place; no peer of its source, or unmounting it would unmount there what lies below."""
    try:
        syscalls.change_mounts(copy, propagation=propagation)
        if stat.S_ISDIR(os.fstat(copy).st_mode):
            place.mkdir()
        else:
            place.touch()
        syscalls.attach_mount(copy, place)
    finally:
        os.close(copy)
