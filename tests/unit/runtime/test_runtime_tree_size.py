"""How much trees hold, measured beside everything else."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from weft.runtime import tree_size
from weft.runtime.tree_size import TreeSizes


async def test_files_count_once_and_directories_not(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/f").write_bytes(b"12345")
    (tmp_path / "d/e/g").write_bytes(b"678")
    os.link(tmp_path / "d/f", tmp_path / "same")
    (tmp_path / "away").symlink_to("/etc")
    sizes = TreeSizes()
    assert await sizes.of(str(tmp_path)) == 8 + len("/etc")
    assert await sizes.of(str(tmp_path / "nothing")) == 0
    sizes.close()


async def test_what_is_being_measured_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    release, begun = threading.Event(), 0

    def slow(top: str, stopped: threading.Event) -> int:
        nonlocal begun
        begun += 1
        release.wait(30)
        return 7

    monkeypatch.setattr(tree_size, "tree_size", slow)
    sizes = TreeSizes()
    waiting = [asyncio.create_task(sizes.of("/one")) for _ in range(20)]
    impatient = asyncio.create_task(sizes.of("/one"))
    await asyncio.to_thread(lambda: None)  # the threads that all work shares are free
    impatient.cancel()
    release.set()
    assert await asyncio.gather(*waiting) == [7] * 20
    assert begun == 1
    assert await sizes.of("/one") == 7
    assert begun == 2
    sizes.close()


async def test_a_large_tree_holds_no_end_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = threading.Event()
    real = os.scandir

    def endless(path: str) -> object:
        seen.set()
        return real(tmp_path)

    (tmp_path / "again").mkdir()  # each look finds a directory to look into
    monkeypatch.setattr(os, "scandir", endless)
    sizes = TreeSizes()
    measuring = asyncio.ensure_future(sizes.of(str(tmp_path)))
    await asyncio.to_thread(seen.wait, 30)
    sizes.close()
    assert await asyncio.wait_for(measuring, 30) == 0
