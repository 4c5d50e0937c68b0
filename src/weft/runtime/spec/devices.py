"""Device nodes: a privileged container gets those of the host."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SKIPPED: Final = frozenset({"pts", "shm", "fd", "mqueue", ".udev", ".lxc", ".lxd-mounts", "console"})
_DENY_ALL: Final = {"allow": False, "access": "rwm"}  # the runtime adds what every container needs
_ALLOW_ALL: Final = {"allow": True, "access": "rwm"}


def cgroup_rules(*, privileged: bool) -> list[dict[str, object]]:
    """Return the OCI `linux.resources.devices`."""
    return [dict(_ALLOW_ALL if privileged else _DENY_ALL)]


def host_nodes(directory: Path = Path("/dev")) -> list[dict[str, object]]:
    """Return the host's device nodes as OCI `linux.devices`."""
    return [
        {
            "path": str(path),
            "type": "b" if stat.S_ISBLK(status.st_mode) else "c",
            "major": os.major(status.st_rdev),
            "minor": os.minor(status.st_rdev),
            "fileMode": stat.S_IMODE(status.st_mode),
            "uid": status.st_uid,
            "gid": status.st_gid,
        }
        for path, status in _walk(directory)
    ]


def _walk(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in sorted(directory.iterdir()):
        if path.name in _SKIPPED:
            continue
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(path)
        elif stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
            yield path, status
