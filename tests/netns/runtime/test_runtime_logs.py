"""Logs are read, followed, cut to what is asked for, and bounded."""

import asyncio
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab, until

from weft.engine.contract.runtime import LogQuery
from weft.model.container import LogConfig
from weft.model.errors import InvalidParameter, NotFound, Unimplemented


async def test_lines_of_both_streams_with_times(lab: RuntimeLab) -> None:
    record = await lab.started(
        "sh", "-c", "for i in 1 2 3; do echo o$i; sleep 0.02; echo e$i >&2; sleep 0.02; done; printf end"
    )
    exit_ = await lab.exits.of(record.id)
    lines = [line async for line in lab.runtime.logs(record.id, LogQuery())]
    assert [line.data for line in lines] == [b"o1\n", b"e1\n", b"o2\n", b"e2\n", b"o3\n", b"e3\n", b"end"]
    assert [line.stream for line in lines] == [1, 2, 1, 2, 1, 2, 1]
    times = [line.time for line in lines]
    assert times == sorted(times)
    assert -20_000_000 < exit_.finished - times[-1] < 60_000_000_000  # a file's time has the grain of a timer tick
    assert await lab.logged(record, stderr=False) == ["o1\n", "o2\n", "o3\n", "end"]
    assert await lab.logged(record, tail=2) == ["e3\n", "end"]
    assert await lab.logged(record, tail=2, stderr=False) == ["o3\n", "end"]
    assert await lab.logged(record, tail=0) == []
    assert await lab.logged(record, tail=100) == [line.data.decode() for line in lines]
    assert await lab.logged(record, since=times[5]) == ["e3\n", "end"]
    assert await lab.logged(record, until=times[1]) == ["o1\n", "e1\n"]
    assert await lab.logged(record, since=times[1], until=times[3], tail=2) == ["o2\n", "e2\n"]


async def test_a_line_written_in_parts_is_one_line(lab: RuntimeLab) -> None:
    record = await lab.started(
        "sh", "-c", "printf a; sleep 0.05; printf b; sleep 0.05; echo c; head -c 50000 /dev/zero | tr '\\0' x; echo"
    )
    await lab.exits.of(record.id)
    assert await lab.logged(record) == ["abc\n", "x" * 50000 + "\n"]
    assert await lab.logged(record, tail=1) == ["x" * 50000 + "\n"]


async def test_following_ends_with_the_container(lab: RuntimeLab) -> None:
    record = await lab.started("sh", "-c", "for i in $(seq 1 30); do echo $i; sleep 0.01; done")
    followed, late = await asyncio.gather(lab.logged(record, follow=True), lab.logged(record, follow=True, tail=0))
    assert followed == [f"{number}\n" for number in range(1, 31)]
    assert late == followed[len(followed) - len(late) :]
    assert await lab.logged(record, follow=True) == followed


async def test_a_tail_of_a_long_log_is_exact(lab: RuntimeLab) -> None:
    record = await lab.started("seq", "1", "200000")
    await lab.exits.of(record.id)
    assert await lab.logged(record, tail=3) == ["199998\n", "199999\n", "200000\n"]
    assert len(await lab.logged(record)) == 200_000


@pytest.mark.parametrize(("files", "compress"), [(1, "false"), (3, "false"), (3, "true")])
async def test_a_log_is_bounded(lab: RuntimeLab, files: int, compress: str) -> None:
    log = LogConfig(options={"max-size": "20k", "max-file": str(files), "compress": compress})
    script = "for i in $(seq 1 3000); do echo line $i; [ $((i % 100)) = 0 ] && sleep 0.06; done; true"
    record = await lab.started("sh", "-c", script, log=log)
    followed = await lab.logged(record, follow=True)
    await lab.exits.of(record.id)
    directory = Path(lab.runtime.log_path(record.id)).parent
    older = {"container.log.1", "container.log.2"} if files == 3 else set()
    if compress == "true":
        older = {f"{name}.gz" for name in older}
    await until(lambda: {path.name for path in directory.glob("container.log*")} == {"container.log", *older})
    lines = await lab.logged(record)
    assert lines[-1] == "line 3000\n"
    assert 0 < len(lines) < 3000
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == list(range(numbers[0], 3001))
    assert await lab.logged(record, tail=5) == lines[-5:]
    assert followed[-1] == "line 3000\n"
    if files > 1:
        assert followed == [f"line {number}\n" for number in range(1, 3001)]


async def test_a_log_that_was_filled_before_makes_room_for_the_next_run(lab: RuntimeLab) -> None:
    record = await lab.started("seq", "1", "1000", log=LogConfig(options={"max-size": "1k", "max-file": "2"}))
    await lab.exits.of(record.id)
    await lab.runtime.release(record.id)
    await lab.runtime.create(lab.bundle(record))
    path = Path(lab.runtime.log_path(record.id))
    await until(lambda: path.exists())
    assert path.stat().st_size == 0
    assert path.with_name("container.log.1").stat().st_size > 1000


async def test_no_log_and_no_container(lab: RuntimeLab) -> None:
    record = await lab.started("echo", "unseen", log=LogConfig(driver="none"))
    with pytest.raises(Unimplemented, match="configured logging driver does not support reading"):
        lab.runtime.logs(record.id, LogQuery())
    with pytest.raises(NotFound, match="No such container"):
        lab.runtime.logs("0" * 64, LogQuery())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (LogConfig(driver="syslog"), 'logger "syslog" is not supported'),
        (LogConfig(options={"max-size": "much"}), 'invalid max-size "much"'),
        (LogConfig(options={"max-file": "0"}), "max-file cannot be less than 1"),
    ],
)
async def test_options_are_checked(lab: RuntimeLab, config: LogConfig, words: str) -> None:
    record = lab.record("true", log=config)
    with pytest.raises((InvalidParameter, Unimplemented), match=words.replace("'", ".")):
        await lab.runtime.prepare(record)
