"""Containers are created, started, read, signalled and released."""

import asyncio
import signal
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab, collect, until

from weft.model.container import LogConfig
from weft.model.errors import Conflict, InvalidParameter, NotFound


async def test_true_ends_with_0_and_leaves_nothing(lab: RuntimeLab) -> None:
    assert (await lab.run("true")).code == 0
    assert lab.left_behind() == []


async def test_both_streams_arrive_apart_and_the_exit_code_is_the_programs(lab: RuntimeLab) -> None:
    ran = await lab.sh("echo out; echo err >&2; exit 42")
    assert (ran.stdout, ran.stderr, ran.code) == ("out\n", "err\n", 42)
    assert ran.exit.finished > 0
    assert not ran.exit.oom_killed


async def test_a_signal_ends_with_128_and_its_number(lab: RuntimeLab) -> None:
    record = await lab.started("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    stdio = await lab.runtime.attach(record.id)
    await until(lambda: "ready" in Path(lab.runtime.log_path(record.id)).read_text())
    await lab.runtime.kill(record.id, signal.SIGTERM)
    assert (await lab.exits.of(record.id)).code == 7
    stdio.close()

    other = await lab.started("sleep", "1000")
    await lab.runtime.kill(other.id, signal.SIGKILL)
    assert (await lab.exits.of(other.id)).code == 137
    with pytest.raises(NotFound):
        await lab.runtime.kill(other.id, signal.SIGKILL)


async def test_every_byte_of_a_large_output_arrives(lab: RuntimeLab) -> None:
    ran = await lab.sh("yes 0123456789abcdef | head -c 20000000; echo end >&2", log=LogConfig(driver="none"))
    assert len(ran.stdout) == 20_000_000
    assert ran.stderr == "end\n"


async def test_cat_echoes_until_the_input_is_half_closed(lab: RuntimeLab) -> None:
    record = await lab.created("cat", open_stdin=True, stdin_once=True)
    stdio = await lab.runtime.attach(record.id)
    await lab.runtime.start(record.id)
    sent = b"0123456789" * 300_000
    reading = asyncio.create_task(collect(stdio))
    await stdio.write(sent)
    await stdio.close_input()
    assert (await reading)[0] == sent
    assert (await lab.exits.of(record.id)).code == 0


async def test_input_that_is_to_stay_open_outlives_its_connections(lab: RuntimeLab) -> None:
    record = await lab.started("cat", open_stdin=True)
    first = await lab.runtime.attach(record.id)
    await first.write(b"one\n")
    await first.close_input()
    first.close()
    second = await lab.runtime.attach(record.id)
    await second.write(b"two\n")
    await until(lambda: "two" in Path(lab.runtime.log_path(record.id)).read_text())
    assert await lab.logged(record) == ["one\n", "two\n"]
    second.close()


async def test_an_onlooker_who_leaves_does_not_end_the_input(lab: RuntimeLab) -> None:
    record = await lab.created("cat", open_stdin=True, stdin_once=True)
    owner, onlooker = await lab.runtime.attach(record.id), await lab.runtime.attach(record.id)
    await lab.runtime.start(record.id)
    onlooker.close()
    await owner.write(b"still here\n")
    await owner.close_input()
    assert await collect(owner) == (b"still here\n", b"")


async def test_a_reader_who_stalls_does_not_hide_the_end(lab: RuntimeLab) -> None:
    record = await lab.created("sh", "-c", "yes | head -c 30000000; sleep 1000")
    stalled = await lab.runtime.attach(record.id)
    await lab.runtime.start(record.id)
    await asyncio.sleep(0.5)  # by now the pipe, the socket and the buffer are full
    await lab.runtime.kill(record.id, signal.SIGKILL)
    assert (await lab.exits.of(record.id)).code == 137
    stalled.close()


async def test_several_attached_clients_see_the_same(lab: RuntimeLab) -> None:
    for _ in range(5):
        record = await lab.created("sh", "-c", "for i in 1 2 3; do echo $i; done")
        clients = [await lab.runtime.attach(record.id) for _ in range(4)]
        await lab.runtime.start(record.id)
        assert await asyncio.gather(*(collect(client) for client in clients)) == [(b"1\n2\n3\n", b"")] * 4


async def test_a_terminal_has_the_size_it_was_given_and_every_resize_counts(lab: RuntimeLab) -> None:
    script = "stty size; trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done"
    record = await lab.created("sh", "-c", script, tty=True, open_stdin=True, console_size=(33, 77))
    stdio = await lab.runtime.attach(record.id)
    await lab.runtime.start(record.id)
    seen = b""

    async def read() -> None:
        nonlocal seen
        async for stream, data in stdio.output():
            assert stream == 1
            seen += data

    reading = asyncio.create_task(read())
    await until(lambda: b"ready" in seen)
    await lab.runtime.resize(record.id, 41, 101)
    await lab.runtime.resize(record.id, 40, 100)
    await until(lambda: b"40 100" in seen)
    assert seen.startswith(b"33 77\r\n")
    await lab.runtime.kill(record.id, signal.SIGKILL)
    await reading


@pytest.mark.parametrize("tty", [False, True])
async def test_a_missing_program_is_refused_in_dockers_words(lab: RuntimeLab, tty: bool) -> None:
    for program, words in (
        ("nosuch", 'exec: "nosuch": executable file not found in $PATH: unknown'),
        ("/nosuch", 'exec: "/nosuch": stat /nosuch: no such file or directory: unknown'),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied: unknown'),
    ):
        with pytest.raises(InvalidParameter) as caught:
            await lab.created(program, tty=tty)
        prefix = "failed to create task for container: failed to create shim task: OCI runtime create failed: "
        assert caught.value.message.startswith(prefix)
        assert caught.value.message.endswith(words)
        assert lab.left_behind() == []


async def test_a_container_that_was_never_started_is_released(lab: RuntimeLab) -> None:
    record = await lab.created("true")
    await lab.runtime.release(record.id)
    await lab.runtime.release(record.id)
    assert lab.left_behind() == []
    assert record.id not in lab.exits.seen
    with pytest.raises(Conflict):
        await lab.runtime.attach(record.id)


async def test_a_running_container_is_killed_by_release(lab: RuntimeLab) -> None:
    record = await lab.started("sh", "-c", "sleep 1000 & sleep 1000")
    await lab.runtime.release(record.id)
    assert lab.left_behind() == []


async def test_what_is_written_stays_over_runs_and_goes_with_the_container(lab: RuntimeLab) -> None:
    record = await lab.started("sh", "-c", "echo kept >> /etc/kept; cat /etc/kept; head -c 100000 /dev/zero > /big")
    await lab.exits.of(record.id)
    await lab.runtime.release(record.id)
    assert await lab.runtime.size(record.id) >= 100_000
    await lab.runtime.create(lab.bundle(record))
    await lab.runtime.start(record.id)
    await until(lambda: len(Path(lab.runtime.log_path(record.id)).read_text().splitlines()) == 3)
    assert await lab.logged(record) == ["kept\n", "kept\n", "kept\n"]
    assert record.id in await lab.runtime.known()
    await lab.runtime.release(record.id)
    await lab.runtime.remove(record.id)
    assert record.id not in await lab.runtime.known()


async def test_pause_stops_every_process_until_unpause(lab: RuntimeLab) -> None:
    record = await lab.started("sh", "-c", "while :; do echo tick; sleep 0.01; done")
    log = Path(lab.runtime.log_path(record.id))
    await until(lambda: log.stat().st_size > 0)
    await lab.runtime.pause(record.id)
    await asyncio.sleep(0.1)
    size = log.stat().st_size
    await asyncio.sleep(0.1)
    assert log.stat().st_size == size
    await lab.runtime.unpause(record.id)
    await until(lambda: log.stat().st_size > size)
    await lab.runtime.pause(record.id)
    await lab.runtime.kill(record.id, signal.SIGKILL)
    assert (await lab.exits.of(record.id)).code == 137


async def test_top_shows_the_containers_processes_only(lab: RuntimeLab) -> None:
    record = await lab.started("sh", "-c", "sleep 1000 & exec sleep 2000")
    await until(lambda: len(lab.pids(record)) == 2)
    titles, rows = await lab.runtime.top(record.id, ())
    assert titles[:3] == ("UID", "PID", "PPID")
    assert sorted(row[-1] for row in rows) == ["sleep 1000", "sleep 2000"]
    titles, rows = await lab.runtime.top(record.id, ("-o pid,args",))
    assert titles == ("PID", "COMMAND")
    assert {int(row[0]) for row in rows} == set(await lab.runtime.processes(record.id))
    with pytest.raises(InvalidParameter, match="error running ps"):
        await lab.runtime.top(record.id, ("--nonsense",))


async def test_eight_at_a_time(lab: RuntimeLab) -> None:
    async def one(number: int) -> str:
        return (await lab.sh(f"echo {number}")).stdout

    for _ in range(3):
        assert await asyncio.gather(*(one(number) for number in range(8))) == [f"{n}\n" for n in range(8)]
    assert lab.left_behind() == []


async def test_a_create_that_is_cancelled_leaves_nothing(lab: RuntimeLab) -> None:
    for steps in range(0, 12, 2):
        record = lab.record("sleep", "1000")
        await lab.runtime.prepare(record)
        task = asyncio.create_task(lab.runtime.create(lab.bundle(record)))
        await asyncio.sleep(steps / 1000)
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled():
            await lab.runtime.release(record.id)
        assert lab.left_behind() == []
