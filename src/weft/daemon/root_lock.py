"""One daemon a data root."""

import fcntl
import os
from pathlib import Path

from weft.model.errors import Conflict, SystemFailure

_NAME = "weft.lock"


def lock_root(data_root: Path) -> int:
    """Return a descriptor that holds the data root until it is closed; Conflict where another daemon has it."""
    path = data_root / _NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SystemFailure(f"cannot lock {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise Conflict(f"another daemon uses {data_root}: stop it, or give this one another --data-root") from error
    return descriptor
