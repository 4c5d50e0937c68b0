"""Watching processes that are not waited for."""

import asyncio
import os
import subprocess

from rig.eventually import eventually
from weft.runtime.processes import ProcessWatch


def _cat() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE)


async def test_an_end_that_nobody_was_told_of_yet_is_known_to_the_kernel() -> None:
    told = asyncio.Event()
    process = _cat()
    watch = ProcessWatch(process.pid, told.set)
    assert not watch.ended
    assert process.stdin is not None
    process.stdin.close()
    eventually(lambda: watch.ended)  # the loop does not run meanwhile
    assert watch.alive
    assert not told.is_set()
    await asyncio.wait_for(told.wait(), 10)
    assert watch.ended
    assert not watch.alive
    process.returncode = 0  # reaped by the watch
    assert not os.path.exists(f"/proc/{process.pid}")
