"""Filling empty volumes with what the image has at their mount points."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from weft.model.container import Mount
from weft.model.errors import SystemFailure
from weft.runtime import syscalls
from weft.runtime.overlay import mount_points

_CP: Final = "/bin/cp"
STAGE: Final = ".filling-"


def fill_volumes(root: int, mounts: Sequence[Mount]) -> None:
    """Copy from the root file system at descriptor `root` into empty volumes that ask for it; SystemFailure on error.

    Owners, modes, times, links and extended attributes are kept; the volume's directory becomes like the image's.
    """
    for mount in mounts:
        if (
            mount.copy_up
            and not mount.subpath
            and Path(mount.source).is_dir()
            and not any(Path(mount.source).iterdir())
        ):
            _fill(root, mount)


def _fill(root: int, mount: Mount) -> None:
    try:
        source = syscalls.open_in_root(root, mount.target, os.O_PATH | os.O_DIRECTORY)
    except OSError:
        return  # the image has no directory there
    volume = Path(mount.source)
    try:
        with _stage(volume) as stage:
            _copy(source, stage, mount)
            if stage != volume:
                _move(stage, volume)
    except OSError as error:
        raise _failure(mount, f"{error.filename}: {error.strerror}") from error
    finally:
        os.close(source)


@contextlib.contextmanager
def _stage(volume: Path) -> Iterator[Path]:
    """Give a directory beside the volume: what is cut off while it is copied must not pass for the user's own."""
    if volume in mount_points():
        yield volume  # something is mounted there
        return
    stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=volume.parent))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _copy(source: int, target: Path, mount: Mount) -> None:
    done = subprocess.run(
        [_CP, "--archive", f"/proc/self/fd/{source}/.", target],
        pass_fds=[source],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise _failure(mount, done.stderr.decode(errors="replace").strip())


def _move(stage: Path, volume: Path) -> None:
    """Move all entries, and make the volume's directory like the copied one."""
    status = stage.stat()
    for entry in os.listdir(stage):
        os.rename(stage / entry, volume / entry)
    os.chown(volume, status.st_uid, status.st_gid)
    os.utime(stage, ns=(status.st_atime_ns, status.st_mtime_ns))
    shutil.copystat(stage, volume)  # mode, times and extended attributes


def _failure(mount: Mount, reason: str) -> SystemFailure:
    return SystemFailure(f"filling volume {mount.name or mount.source} from the image failed: {reason}")
