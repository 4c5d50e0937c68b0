"""The daemon is killed; its successor finds containers running or ended."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab, collect, until

from weft.engine.contract.runtime import Exit, LogQuery

FORMER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from runtime_lab import RuntimeLab

async def main():
    lab = RuntimeLab(Path(sys.argv[2]), Path(sys.argv[3]))
    lab.cgroup_parent = sys.argv[4]
    await lab.runtime.open()
    for script in sys.argv[5:]:
        record = lab.record("sh", "-c", script, open_stdin=True)
        await lab.runtime.prepare(record)
        await lab.runtime.create(lab.bundle(record))
        if script != "never":
            await lab.runtime.start(record.id)
        print(record.id, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


@pytest.fixture
async def lab(tmp_path: Path, layer: Path) -> AsyncIterator[RuntimeLab]:
    made = RuntimeLab(tmp_path, layer)
    yield made
    await made.clean()


def killed_daemon(lab: RuntimeLab, *scripts: str) -> list[str]:
    """Run the scripts under a daemon of its own, kill it with SIGKILL; return the containers' ids."""
    here = str(Path(__file__).parent)
    argv = [sys.executable, "-c", FORMER, here, str(lab.base), str(lab.layer), lab.cgroup_parent, *scripts]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as former:
        assert former.stdout is not None
        ids = [former.stdout.readline().strip() for _ in scripts]
        former.send_signal(signal.SIGKILL)
    assert all(len(container_id) == 64 for container_id in ids)
    lab._ids.extend(ids)
    return ids


async def test_what_runs_on_is_watched_again(lab: RuntimeLab) -> None:
    (container_id,) = killed_daemon(lab, "cat; echo after; exit 5")
    await lab.runtime.open()
    pid = await lab.runtime.recover(container_id)
    assert isinstance(pid, int)
    os.kill(pid, 0)
    stdio = await lab.runtime.attach(container_id)
    await stdio.write(b"through the successor\n")
    reading = asyncio.create_task(collect(stdio))
    await lab.runtime.pause(container_id)
    await lab.runtime.unpause(container_id)
    await asyncio.sleep(0.1)
    await lab.runtime.kill(container_id, signal.SIGKILL)
    assert (await lab.exits.of(container_id)).code == 137
    assert (await reading)[0] == b"through the successor\n"
    await lab.runtime.release(container_id)
    assert lab.left_behind() == []


async def test_what_ended_meanwhile_has_its_code_and_its_time(lab: RuntimeLab) -> None:
    (container_id,) = killed_daemon(lab, "sleep 0.3; echo last words; exit 23")
    exit_file = lab.base / "exec/exits" / container_id
    await until(exit_file.exists)
    await lab.runtime.open()
    exit_ = await lab.runtime.recover(container_id)
    assert isinstance(exit_, Exit)
    assert exit_.code == 23
    assert exit_.finished == exit_file.stat().st_mtime_ns
    assert [line.data async for line in lab.runtime.logs(container_id, LogQuery(follow=True))] == [b"last words\n"]
    await lab.runtime.release(container_id)
    assert lab.left_behind() == []


async def test_what_was_never_started_and_what_is_unknown(lab: RuntimeLab) -> None:
    (container_id,) = killed_daemon(lab, "never")
    await lab.runtime.open()
    assert await lab.runtime.known() == {container_id}
    for lost in (container_id, secrets.token_hex(32)):
        exit_ = await lab.runtime.recover(lost)
        assert isinstance(exit_, Exit)
        assert exit_.code == 255
    await lab.runtime.release(container_id)
    assert lab.left_behind() == []


async def test_a_reboot_leaves_255(lab: RuntimeLab) -> None:
    """As after one: files are there (the exec root may be on a disk), and no process is."""
    (container_id,) = killed_daemon(lab, "sleep 1000")
    pid = int((lab.base / "exec/run" / container_id / "pid").read_text())
    supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(supervisor, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not os.path.exists(f"/proc/{pid}/exe"))  # gone, or waiting for init to reap it
    await lab.runtime.open()
    exit_ = await lab.runtime.recover(container_id)
    assert isinstance(exit_, Exit)
    assert exit_.code == 255
    await lab.runtime.release(container_id)
    assert lab.left_behind() == []


async def test_a_killed_supervisor_ends_its_container(lab: RuntimeLab) -> None:
    await lab.runtime.open()
    record = await lab.started("sleep", "1000")
    (pid,) = await lab.runtime.processes(record.id)
    supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(supervisor, signal.SIGKILL)
    assert (await lab.exits.of(record.id)).code == 137
    await lab.runtime.release(record.id)
    assert lab.left_behind() == []


async def test_an_orderly_end_changes_nothing(lab: RuntimeLab) -> None:
    await lab.runtime.open()
    record = await lab.started("sleep", "1000")
    (pid,) = await lab.runtime.processes(record.id)
    await lab.runtime.close()
    os.kill(pid, 0)
    lab.runtime = lab.new_runtime()
    await lab.runtime.open()
    assert await lab.runtime.recover(record.id) == pid
    assert (await lab.execute(record, "echo", "alive")).stdout == "alive\n"


async def test_two_daemons_side_by_side(lab: RuntimeLab, tmp_path_factory: pytest.TempPathFactory) -> None:
    await lab.runtime.open()
    other = RuntimeLab(tmp_path_factory.mktemp("other"), lab.layer)
    await other.runtime.open()
    try:
        one, two = await lab.started("sleep", "1000"), await other.started("sleep", "1000")
        assert await lab.runtime.known() == {one.id}
        assert await other.runtime.known() == {two.id}
        await lab.runtime.release(one.id)
        assert len(await other.runtime.processes(two.id)) == 1
    finally:
        await other.clean()
