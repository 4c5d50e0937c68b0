"""Hybrid control groups: version 1 controllers beside a version 2 hierarchy (cgroups(7), "unified")."""

import os
from typing import Final

from weft.runtime import syscalls
from weft.runtime.cgroup import MOUNT
from weft.runtime.overlay import mounts_below

UNIFIED: Final = MOUNT / "unified"


def is_hybrid() -> bool:
    """Whether this host has both versions."""
    return os.path.ismount(UNIFIED)


def leave_out_unified() -> None:
    """Show the version 1 hierarchies only, in the calling thread's mount namespace, which must be its own.

    OSError when the kernel refuses.
    """
    hierarchies = [point for point in mounts_below(MOUNT) if point.parent == MOUNT and point != UNIFIED]
    links = {path: os.readlink(path) for path in MOUNT.iterdir() if path.is_symlink()}  # cpu -> cpu,cpuacct
    copies = {point: syscalls.copy_mount(point) for point in hierarchies}
    try:
        # private first, or the host would get the new directory as well
        syscalls.mount("", MOUNT, flags=syscalls.MS_PRIVATE)
        # Unmounting alone is not enough: crun takes the bare directory for a hierarchy and makes each container's
        # group in it, as plain files that nobody removes, or fails where systemd has made it read-only.
        syscalls.mount("weft-cgroup", MOUNT, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755")
        for point, copy in copies.items():
            point.mkdir()
            syscalls.attach_mount(copy, point)
        for path, target in links.items():
            path.symlink_to(target)
    finally:
        for copy in copies.values():
            os.close(copy)
