"""Filling a new volume with what the image has at its mount point."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from weft.model.container import Mount
from weft.model.errors import SystemFailure
from weft.runtime import syscalls

_CP: Final = "/bin/cp"


def fill_volumes(root: int, mounts: Sequence[Mount]) -> None:
    """Copy from the root file system at descriptor `root` into empty volumes that ask for it; SystemFailure on error.

    Owners, modes, times, links and extended attributes are kept; the volume's directory becomes like the image's.
    """
    for mount in mounts:
        if mount.copy_up and Path(mount.source).is_dir() and not any(Path(mount.source).iterdir()):
            _fill(root, mount)


def _fill(root: int, mount: Mount) -> None:
    try:
        source = syscalls.open_in_root(root, mount.target, os.O_PATH | os.O_DIRECTORY)
    except OSError:
        return  # the image has no directory there
    try:
        done = subprocess.run(
            [_CP, "--archive", f"/proc/self/fd/{source}/.", mount.source],
            pass_fds=[source],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    finally:
        os.close(source)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise SystemFailure(f"filling volume {mount.name or mount.source} from the image failed: {reason}")
