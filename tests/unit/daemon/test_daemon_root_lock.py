"""A data root serves one daemon at a time."""

import os
from pathlib import Path

import pytest

from weft.daemon.root_lock import lock_root
from weft.model.errors import Conflict, SystemFailure


def test_a_second_daemon_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    held = lock_root(tmp_path)
    with pytest.raises(Conflict, match=r"another daemon uses .*--data-root"):
        lock_root(tmp_path)
    os.close(held)
    os.close(lock_root(tmp_path))


def test_a_root_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemFailure, match=r"cannot lock .*nowhere"):
        lock_root(tmp_path / "nowhere")
