"""Archives that go to or come from the daemon as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator

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
