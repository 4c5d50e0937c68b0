"""Volumes that are file systems of their own: mounted for the first container that runs with one, until the last."""

import logging
from collections import defaultdict

from weft.engine.contract.volumes import Volumes
from weft.engine.inventory import Inventory
from weft.engine.locks import Locks
from weft.model.container import ContainerRecord
from weft.model.errors import WeftError
from weft.model.volume import VolumeRecord

_log = logging.getLogger(__name__)


class VolumeMounts:
    """Who holds which volume is known from the records again after a start of the daemon."""

    def __init__(self, inventory: Inventory, directories: Volumes) -> None:
        self._inventory = inventory
        self._directories = directories
        self._holders: dict[str, set[str]] = defaultdict(set)
        self._locks = Locks()

    async def hold(self, container: ContainerRecord) -> None:
        """Have a container's volumes mounted; SystemFailure with the reason, and then it holds none."""
        try:
            for volume in self._mounted(container):
                async with self._locks.hold(volume.name):
                    await self._directories.mount(volume)
                    self._holders[volume.name].add(container.id)
        except BaseException:
            await self.let_go(container)
            raise

    async def let_go(self, container: ContainerRecord) -> None:
        """Say that the container does not run any more; what nobody holds is unmounted."""
        for volume in self._mounted(container):
            async with self._locks.hold(volume.name):
                self._holders[volume.name].discard(container.id)
                await self._unmount_unheld(volume)

    async def restore(self) -> None:
        """After a start: learn who holds what, and unmount what a daemon that was killed left behind."""
        running = [record for record in self._inventory.containers.values() if record.state.is_running]
        for container in running:
            for volume in self._mounted(container):
                self._holders[volume.name].add(container.id)
        for volume in self._inventory.volumes.values():
            if volume.options:
                await self._unmount_unheld(volume)

    async def _unmount_unheld(self, volume: VolumeRecord) -> None:
        if self._holders[volume.name]:
            return
        try:
            await self._directories.unmount(volume)
        except WeftError as error:
            _log.error("volume %s: %s", volume.name, error.message)

    def _mounted(self, container: ContainerRecord) -> list[VolumeRecord]:
        names = dict.fromkeys(mount.name for mount in container.mounts)
        found = (self._inventory.volumes.get(name) for name in names)
        return [volume for volume in found if volume is not None and volume.options]
