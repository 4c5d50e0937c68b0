"""Older files of a log, compressed (gzip, RFC 1952). Such a file is known by the inode of the one it was made of."""

import contextlib
import gzip
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO, Final

SUFFIX: Final = ".gz"
_NAMED: Final = 0x08  # the header's flag of a file name
_NAME_AT: Final = 10


def compress(path: Path) -> None:
    """Put a compressed file, `.gz` appended, in the place of one of a log; OSError."""
    target = path.with_name(path.name + SUFFIX)
    temporary = target.with_name(target.name + ".new")
    try:
        with path.open("rb") as source, temporary.open("wb") as file:
            os.fchmod(file.fileno(), 0o640)
            inode = str(os.fstat(source.fileno()).st_ino)
            with gzip.GzipFile(inode, "wb", fileobj=file, mtime=0) as packed:
                shutil.copyfileobj(source, packed)
        os.replace(temporary, target)
        path.unlink()
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def opened(path: Path) -> tuple[IO[bytes], int]:
    """Return a log's file opened for reading, what is compressed as it was before, and its identity; OSError."""
    if path.suffix != SUFFIX:
        try:
            file = path.open("rb")
        except FileNotFoundError:  # it has just been compressed, or is gone
            path = path.with_name(path.name + SUFFIX)
        else:
            return file, os.fstat(file.fileno()).st_ino
    number = identity(path)
    content = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        with gzip.open(path) as packed:
            shutil.copyfileobj(packed, content)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return content, number


def identity(path: Path) -> int:
    """Return the inode of a log's file, or of the one that it was compressed from; 0 when it is gone."""
    with contextlib.suppress(OSError, ValueError):
        if path.suffix != SUFFIX:
            return path.stat().st_ino
        with path.open("rb") as file:
            head = file.read(64)
        if head[3] & _NAMED:
            return int(head[_NAME_AT : head.index(b"\0", _NAME_AT)])
    return 0
