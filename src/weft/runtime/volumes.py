"""Local volumes: directories under the data root."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from weft.model.errors import InvalidParameter, SystemFailure
from weft.model.ids import is_container_name
from weft.model.volume import VolumeRecord
from weft.runtime.copy_up import STAGE
from weft.runtime.tree_size import TreeSizes
from weft.runtime.volume_options import check_options, mount_volume, unmount_volume


class LocalVolumes:
    """Implements weft.engine.contract.volumes.Volumes: `volumes/<name>/_data`."""

    def __init__(self, data_root: Path, sizes: TreeSizes) -> None:
        """Raises OSError if the directory cannot be made. What a killed daemon was removing is removed."""
        self._sizes = sizes
        self._root = data_root / "volumes"
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Names of volumes never begin with a dot, so what is on its way out can lie beside them.
        self._leftovers = [path for path in self._root.iterdir() if path.name.startswith(".")]
        self._leftovers += self._root.glob(f"*/{STAGE}*")

    def mountpoint(self, name: str, options: Mapping[str, str]) -> str:
        """Return the path of the volume's directory; InvalidParameter for a name or an option that is wrong."""
        if not is_container_name(name):
            raise InvalidParameter(
                f'create {name}: "{name}" includes invalid characters for a local volume name, only '
                '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'
            )
        check_options(name, options)
        return os.fspath(self._root / name / "_data")

    async def create(self, record: VolumeRecord) -> None:
        """Make the volume's directory (0755 root), or find it there. Raises SystemFailure."""
        try:
            Path(record.mountpoint).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SystemFailure(f"create {record.name}: {record.mountpoint}: {error.strerror}") from error

    def exists(self, record: VolumeRecord) -> bool:
        """Whether the volume's directory is there."""
        return os.path.isdir(record.mountpoint)

    async def mount(self, record: VolumeRecord) -> None:
        """Mount what the volume's options say on its directory, if it is not. Raises SystemFailure."""
        await asyncio.to_thread(mount_volume, record.options, Path(record.mountpoint))

    async def unmount(self, record: VolumeRecord) -> None:
        """Unmount it; one that is not mounted is no error. Raises SystemFailure."""
        try:
            await asyncio.to_thread(unmount_volume, Path(record.mountpoint))
        except OSError as error:
            raise SystemFailure(f"unmounting {record.mountpoint} failed: {error.strerror}") from error

    async def remove(self, record: VolumeRecord) -> None:
        """Delete the volume's directory, never what is mounted on it; one that is not there is no error."""
        place = self._place(record)
        await self.unmount(record)
        doomed = [*self._leftovers]
        self._leftovers = []
        if place.exists():
            aside = Path(tempfile.mkdtemp(prefix=".removed-", dir=self._root))
            try:
                os.rename(place, aside / "volume")
            except OSError as error:
                aside.rmdir()
                raise SystemFailure(f"remove {record.name}: {place}: {error.strerror}") from error
            doomed.append(aside)
        if doomed:
            await _run(f"remove {record.name}", "rm", "-rf", "--one-file-system", "--", *map(os.fspath, doomed))

    async def size(self, record: VolumeRecord) -> int:
        """Return the bytes of the files it holds, hard links counted once; files that vanish meanwhile are left out."""
        return await self._sizes.of(record.mountpoint)

    def _place(self, record: VolumeRecord) -> Path:
        place = Path(record.mountpoint).parent
        if place.parent != self._root or place.name != record.name:
            raise SystemFailure(f"remove {record.name}: {record.mountpoint} is not a directory of this volume")
        return place


async def _run(purpose: str, *argv: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, complaints = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise SystemFailure(f"{purpose}: {complaints.decode(errors='replace').strip()[:500]}")
