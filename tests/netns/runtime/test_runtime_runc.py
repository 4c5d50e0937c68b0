"""What works under crun works under runc."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab, collect, until

from weft.model.errors import InvalidParameter


@pytest.fixture
async def lab(tmp_path: Path, layer: Path) -> AsyncIterator[RuntimeLab]:
    made = RuntimeLab(tmp_path, layer)
    made.runtime_name = "runc"
    await made.runtime.open()
    yield made
    await made.clean()


async def test_streams_codes_limits_and_filter(lab: RuntimeLab) -> None:
    ran = await lab.sh(
        "grep -E 'CapEff|Seccomp:' /proc/self/status; echo err >&2; exit 6", memory=64 << 20, pids_limit=50
    )
    assert ran.stdout.split() == ["CapEff:", "00000000a80425fb", "Seccomp:", "2"]
    assert (ran.stderr, ran.code) == ("err\n", 6)
    assert lab.left_behind() == []


async def test_input_terminal_exec_pause_and_kill(lab: RuntimeLab, network_namespace: str) -> None:
    record = await lab.created("cat", tty=True, open_stdin=True, network_namespace=network_namespace)
    stdio = await lab.runtime.attach(record.id)
    await lab.runtime.start(record.id)
    await lab.runtime.resize(record.id, 30, 90)
    reading = asyncio.create_task(collect(stdio))
    await stdio.write(b"hi\n")
    assert (await lab.execute(record, "sh", "-c", "stty size < /dev/console; exit 3")).stdout == "30 90\n"
    await lab.runtime.pause(record.id)
    await lab.runtime.unpause(record.id)
    await until(lambda: len(Path(lab.runtime.log_path(record.id)).read_text().splitlines()) == 2)
    await lab.runtime.kill(record.id, signal.SIGKILL)
    assert (await reading)[0] == b"hi\r\nhi\r\n"
    assert (await lab.exits.of(record.id)).code == 137


@pytest.mark.parametrize("tty", [False, True])
async def test_missing_programs(lab: RuntimeLab, tty: bool) -> None:
    for program, words in (
        ("nosuch", 'exec: "nosuch": executable file not found in $PATH: unknown'),
        ("/nosuch", 'exec: "/nosuch": stat /nosuch: no such file or directory: unknown'),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied: unknown'),
    ):
        with pytest.raises(InvalidParameter) as caught:
            await lab.created(program, tty=tty)
        assert caught.value.message.endswith(words)
        assert lab.left_behind() == []
    record = await lab.started("sleep", "1000")
    with pytest.raises(InvalidParameter, match='exec: "nosuch": executable file not found in \\$PATH: unknown'):
        await lab.execute(record, "nosuch", tty=tty)


async def test_a_successor_recovers_it(lab: RuntimeLab) -> None:
    record = await lab.started("sleep", "1000")
    waiting = await lab.created("true")
    await lab.runtime.close()
    lab.runtime = lab.new_runtime()
    await lab.runtime.open()
    assert isinstance(await lab.runtime.recover(record.id), int)
    assert not isinstance(await lab.runtime.recover(waiting.id), int)
