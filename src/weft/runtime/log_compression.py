"""Older files of a log, compressed (gzip, RFC 1952)."""

import contextlib
import gzip
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO, Final

SUFFIX: Final = ".gz"
_HEAD: Final = 40  # bytes: the time of the first line, to the nanosecond, and its stream


def compress(path: Path) -> None:
    """Put a compressed file, `.gz` appended, in the place of one of a log; OSError."""
    target = path.with_name(path.name + SUFFIX)
    temporary = target.with_name(target.name + ".new")
    try:
        with path.open("rb") as source, temporary.open("wb") as file:
            os.fchmod(file.fileno(), 0o640)
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                shutil.copyfileobj(source, packed)
        os.replace(temporary, target)
        path.unlink()
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def opened(path: Path) -> IO[bytes]:
    """Return a log's file opened for reading, what is compressed as it was before; OSError."""
    if path.suffix != SUFFIX:
        try:
            return path.open("rb")
        except FileNotFoundError:  # it has just been compressed, or is gone
            path = path.with_name(path.name + SUFFIX)
    content = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        with gzip.open(path) as packed:
            shutil.copyfileobj(packed, content)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return content


def identity(file: IO[bytes]) -> bytes:
    """Return what tells a log's file from others, whatever it is called and however it is kept; nothing while empty.

    Not its inode: the kernel gives that of a file that was compressed to the next one.
    """
    return os.pread(file.fileno(), _HEAD, 0)


def identity_at(path: Path) -> bytes:
    """Return the identity of the file at a path, nothing when it is gone."""
    reading = gzip.open if path.suffix == SUFFIX else open
    with contextlib.suppress(OSError, EOFError), reading(path, "rb") as file:
        return bytes(file.read(_HEAD))
    return b""
