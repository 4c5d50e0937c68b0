"""Local volumes: directories under the data root."""

import asyncio
import contextlib
import ctypes
import os
import stat
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

from weft.model.errors import InvalidParameter, SystemFailure
from weft.model.ids import is_container_name
from weft.model.volume import VolumeRecord

_OPENAT2 = 437  # the same number on every architecture
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_IN_ROOT = 0x10


class LocalVolumes:
    """Implements weft.engine.contract.volumes.Volumes: `volumes/<name>/_data`."""

    def __init__(self, data_root: Path) -> None:
        """Raises OSError if the directory cannot be made. Volumes that a killed daemon was removing are removed."""
        self._root = data_root / "volumes"
        self._root.mkdir(parents=True, exist_ok=True, mode=0o701)
        # Names of volumes never begin with a dot, so what is on its way out can lie beside them.
        self._leftovers = [path for path in self._root.iterdir() if path.name.startswith(".")]

    async def create(self, name: str, options: Mapping[str, str]) -> str:
        """Make the volume's directory (0755 root), or find it there; return its path. Raises InvalidParameter."""
        if not is_container_name(name):
            raise InvalidParameter(
                f'create {name}: "{name}" includes invalid characters for a local volume name, only '
                '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'
            )
        for option in options:
            raise InvalidParameter(
                f"create {name}: option {option} of the local driver is not supported: mount the file system on the "
                "host and use a bind mount"
            )
        data = self._root / name / "_data"
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SystemFailure(f"create {name}: {data}: {error.strerror}") from error
        return os.fspath(data)

    async def remove(self, record: VolumeRecord) -> None:
        """Delete the volume's directory; one that is not there is no error."""
        place = self._place(record)
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
        return await asyncio.to_thread(_tree_size, record.mountpoint)

    def _place(self, record: VolumeRecord) -> Path:
        place = Path(record.mountpoint).parent
        if place.parent != self._root or place.name != record.name:
            raise SystemFailure(f"remove {record.name}: {record.mountpoint} is not a directory of this volume")
        return place


async def copy_up(root: Path, path: str, volume: Path) -> bool:
    """Copy what an image has at `path` into a volume that is still empty; return whether anything was to copy.

    `root` is the container's mounted root, not running yet: symbolic links in `path` are followed within it only
    (openat2(2), RESOLVE_IN_ROOT). Owner, mode and times of the directory itself are copied too. The volume is filled
    whole or not at all; raises SystemFailure if the copy fails.
    """
    if any(volume.iterdir()):
        return False
    try:
        source = _open_inside(root, path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise SystemFailure(f"copy {path} to the volume: {error.strerror}") from error
    try:
        staging = Path(tempfile.mkdtemp(prefix="copying-", dir=volume.parent))
        try:
            here = f"/proc/self/fd/{source}/."
            await _run(f"copy {path} to the volume", "cp", "-a", "--", here, f"{staging}/", passed=(source,))
            if any(volume.iterdir()):  # another container was faster
                return False
            for entry in staging.iterdir():
                os.rename(entry, volume / entry.name)
            _copy_attributes(os.fstat(source), volume)
        finally:
            await asyncio.shield(_run("copy", "rm", "-rf", "--", os.fspath(staging)))
    finally:
        os.close(source)
    return True


def _copy_attributes(status: os.stat_result, target: Path) -> None:
    os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _open_inside(root: Path, path: str) -> int:
    """Open a directory of a container's root; OSError as open(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    base = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        how = struct.pack(
            "=QQQ", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS
        )
        descriptor: int = libc.syscall(_OPENAT2, base, os.fsencode(path), how, ctypes.c_size_t(len(how)))
        if descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
        return descriptor
    finally:
        os.close(base)


def _tree_size(top: str) -> int:
    total = 0
    linked: set[tuple[int, int]] = set()
    pending = [top]
    while pending:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                status = entry.stat(follow_symlinks=False)
                if status.st_nlink == 1 or (status.st_dev, status.st_ino) not in linked:
                    linked.add((status.st_dev, status.st_ino))
                    total += status.st_size
    return total


async def _run(purpose: str, *argv: str, passed: tuple[int, ...] = ()) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, pass_fds=passed
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
