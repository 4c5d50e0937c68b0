"""The layer below every image: the places that each container has mounts at, and Docker's mark of a container.

Docker puts such a layer between the image and the container. Here it is one for all, at the bottom, where the image's
own files hide it: what is mounted shows in no container's writable layer, so neither in a diff nor in a commit.
"""

from pathlib import Path
from typing import Final

_DIRECTORIES: Final = ("dev/pts", "dev/shm", "proc", "sys")
_FILES: Final = (".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf")
_LINKS: Final = {"etc/mtab": "/proc/mounts"}


def make_skeleton(root: Path) -> None:
    """Make the layer's directories and empty files at `root`; what is there stays."""
    root.mkdir(mode=0o755, exist_ok=True)
    for name in _DIRECTORIES:
        (root / name).mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in _FILES:
        path = root / name
        path.parent.mkdir(mode=0o755, exist_ok=True)
        path.touch(mode=0o755)
    for name, target in _LINKS.items():
        if not (root / name).is_symlink():
            (root / name).symlink_to(target)
