"""PathStat -> the header X-Docker-Container-Path-Stat (Engine API v1.51, ContainerArchiveInfo)."""

import base64
import stat
from collections.abc import Mapping
from typing import Final

from weft.api.responses import encode
from weft.api.wire.times import rfc3339
from weft.api.wire.unicode import printable
from weft.engine.contract.container_files import PathStat

HEADER: Final = "X-Docker-Container-Path-Stat"
_EPOCH: Final = "1970-01-01T00:00:00Z"
# Go's io/fs.FileMode
_KINDS: Final[Mapping[int, int]] = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
}
_BITS: Final[Mapping[int, int]] = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


def path_stat_header(found: PathStat) -> dict[str, str]:
    """Return the header: base64 of JSON."""
    document = {
        "name": printable(found.name),
        "size": found.size,
        "mode": file_mode(found.mode),
        "mtime": rfc3339(found.mtime) if found.mtime else _EPOCH,
        "linkTarget": printable(found.link_target),
    }
    return {HEADER: base64.b64encode(encode(document)).decode()}


def file_mode(mode: int) -> int:
    """Return a mode of stat(2) as Go's FileMode."""
    bits = sum(bit for flag, bit in _BITS.items() if mode & flag)
    return _KINDS.get(stat.S_IFMT(mode), 0) | bits | (mode & 0o777)
