"""Whiteouts: from the OCI's marker files (image-spec 1.1, layer.md) to overlayfs' own."""

import os
import stat
from pathlib import Path

from weft.model.errors import InvalidParameter

_PREFIX = ".wh."
_OPAQUE = ".wh..wh..opq"
_RESERVED = ".wh..wh."  # other marks of aufs, without a meaning for anybody else
_OPAQUE_ATTRIBUTE = "trusted.overlay.opaque"


def convert_whiteouts(root: Path) -> int:
    """Convert every marker beneath `root`, and return the bytes of its regular files (hard links counted once).

    `.wh.x` becomes a character device 0:0 named x, `.wh..wh..opq` its directory's trusted.overlay.opaque.
    Raises InvalidParameter for markers that name nothing. Nobody else may write beneath `root` meanwhile.
    """
    total = 0
    linked: set[int] = set()
    pending = [os.fspath(root)]
    while pending:
        directory = pending.pop()
        markers = []
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.startswith(_PREFIX):
                    markers.append(entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    if status.st_nlink == 1 or status.st_ino not in linked:
                        linked.add(status.st_ino)
                        total += status.st_size
        if markers:
            _convert(directory, markers)
    return total


def _convert(directory: str, markers: list[str]) -> None:
    status = os.stat(directory)
    for marker in markers:
        path = os.path.join(directory, marker)
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise InvalidParameter(f"invalid layer: the whiteout {marker!r} is not a regular file")
        os.unlink(path)
        if marker == _OPAQUE:
            os.setxattr(directory, _OPAQUE_ATTRIBUTE, b"y")
        elif not marker.startswith(_RESERVED):
            _hide(directory, marker.removeprefix(_PREFIX))
    os.utime(directory, ns=(status.st_atime_ns, status.st_mtime_ns))


def _hide(directory: str, name: str) -> None:
    if name in ("", ".", ".."):
        raise InvalidParameter(f"invalid layer: the whiteout {_PREFIX + name!r} names no file")
    path = os.path.join(directory, name)
    try:
        os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
    except FileExistsError:
        # The layer has this name itself: that already hides a file below; a directory is to replace, not to merge.
        if stat.S_ISDIR(os.lstat(path).st_mode):
            os.setxattr(path, _OPAQUE_ATTRIBUTE, b"y")
