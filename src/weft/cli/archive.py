"""Archives that go to or come from the daemon as they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from weft.cli.context import write_all
from weft.cli.errors import CommandFailed

CHUNK = 1 << 18


def open_archive(path: str) -> int:
    """Return a descriptor for reading; raises CommandFailed."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CommandFailed(f"open {path}: {(error.strerror or str(error)).lower()}") from error


def chunks(descriptor: int) -> Iterator[bytes]:
    """Yield what can be read until the end."""
    while data := os.read(descriptor, CHUNK):
        yield data


def save(path: str, data: Iterable[bytes], failure: str) -> None:
    """Write to a file beside `path` that takes its place once it is whole; raises CommandFailed with `failure`."""
    import tempfile  # slow to load

    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".weft-save-", dir=os.path.dirname(os.path.abspath(path)))
    except OSError as error:
        raise CommandFailed(f"{failure}: {error}") from error
    try:
        for piece in data:
            write_all(descriptor, piece)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)
