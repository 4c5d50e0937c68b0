"""Further processes in running containers."""

import asyncio
import os
import secrets
import signal
from pathlib import Path

import pytest
from runtime_lab import RuntimeLab, collect, until

from weft.engine.contract.runtime import ExecSpec, Exit
from weft.model.container import ContainerRecord
from weft.model.errors import Conflict, InvalidParameter, NotFound


@pytest.fixture
async def record(lab: RuntimeLab) -> ContainerRecord:
    return await lab.started("sleep", "1000", env=("FROM=container",), user="ann", working_dir="/tmp")


async def test_streams_exit_code_and_what_is_inherited(lab: RuntimeLab, record: ContainerRecord) -> None:
    ran = await lab.execute(
        record, "sh", "-c", "echo $FROM $MORE $HOSTNAME; pwd; id -un; echo err >&2; exit 9", env=("MORE=exec",)
    )
    assert (ran.stdout, ran.stderr, ran.code) == ("container exec box\n/tmp\nann\n", "err\n", 9)
    for _ in range(20):  # the end of the output is never seen before the exit is known
        assert (await lab.execute(record, "true")).code == 0


async def test_input_is_read_until_it_is_half_closed(lab: RuntimeLab, record: ContainerRecord) -> None:
    sent = secrets.token_hex(200_000).encode()
    assert (await lab.execute(record, "cat", stdin=sent)).stdout.encode() == sent


async def test_its_own_user_directory_and_privileges(lab: RuntimeLab, record: ContainerRecord) -> None:
    ran = await lab.execute(
        record, "sh", "-c", "id -u; pwd; echo $HOME; grep CapEff /proc/self/status", user="0", working_dir="/etc"
    )
    assert ran.stdout.split() == ["0", "/etc", "/root", "CapEff:", "00000000a80425fb"]
    ran = await lab.execute(record, "grep", "CapEff", "/proc/self/status", user="0", privileged=True)
    assert int(ran.stdout.split()[1], 16) > 0xA80425FB
    ran = await lab.execute(record, "grep", "Seccomp:", "/proc/self/status")
    assert ran.stdout.split() == ["Seccomp:", "2"]
    with pytest.raises(InvalidParameter, match="unable to find user eve: no matching entries in passwd file"):
        await lab.execute(record, "true", user="eve")


async def test_a_terminal(lab: RuntimeLab, record: ContainerRecord) -> None:
    async def note(_: Exit) -> None: ...

    exec_id = secrets.token_hex(32)
    # crun sets the size while the process starts already
    script = "until stty size 2>/dev/null; do :; done; trap 'stty size' WINCH; echo ready; until read line; do :; done"
    script += "; echo got $line $TERM"
    spec = ExecSpec(argv=("sh", "-c", script), tty=True, attach_stdin=True, attach_stdout=True, console_size=(20, 60))
    _, stdio = await lab.runtime.exec_start(record, exec_id, spec, note)
    assert stdio is not None
    seen = b""

    async def read() -> None:
        nonlocal seen
        async for _, data in stdio.output():
            seen += data

    reading = asyncio.create_task(read())
    await until(lambda: b"ready" in seen)
    await lab.runtime.exec_resize(exec_id, 22, 66)
    await until(lambda: b"22 66" in seen)
    await stdio.write(b"hello\n")
    await reading
    assert seen == b"20 60\r\nready\r\n22 66\r\nhello\r\ngot hello xterm\r\n"
    await until(lambda: not list(Path(lab.base, "exec/run", record.id, "exec").iterdir()))
    with pytest.raises(NotFound, match="No such exec instance"):
        await lab.runtime.exec_resize(exec_id, 22, 66)


async def test_detached(lab: RuntimeLab, record: ContainerRecord) -> None:
    ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    async def note(exit_: Exit) -> None:
        ended.set_result(exit_)

    spec = ExecSpec(argv=("sh", "-c", "echo there > /tmp/note; exit 4"))
    pid, stdio = await lab.runtime.exec_start(record, secrets.token_hex(32), spec, note)
    assert pid > 0
    assert stdio is None
    assert (await asyncio.wait_for(ended, 10)).code == 4
    assert (await lab.execute(record, "cat", "/tmp/note")).stdout == "there\n"


@pytest.mark.parametrize("tty", [False, True])
async def test_a_missing_program_is_refused_in_dockers_words(
    lab: RuntimeLab, record: ContainerRecord, tty: bool
) -> None:
    for program, words in (
        ("nosuch", 'exec: "nosuch": executable file not found in $PATH: unknown'),
        ("/nosuch", 'exec: "/nosuch": stat /nosuch: no such file or directory: unknown'),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied: unknown'),
    ):
        with pytest.raises(InvalidParameter) as caught:
            await lab.execute(record, program, tty=tty)
        assert (
            caught.value.message == f"OCI runtime exec failed: exec failed: unable to start container process: {words}"
        )
    assert not list(Path(lab.base, "exec/run", record.id, "exec").iterdir())


async def test_only_the_streams_asked_for(lab: RuntimeLab, record: ContainerRecord) -> None:
    async def note(_: Exit) -> None: ...

    spec = ExecSpec(argv=("sh", "-c", "echo out; echo err >&2"), attach_stderr=True)
    _, stdio = await lab.runtime.exec_start(record, secrets.token_hex(32), spec, note)
    assert stdio is not None
    assert await collect(stdio) == (b"", b"err\n")


async def test_an_exec_ends_with_its_container(lab: RuntimeLab, record: ContainerRecord) -> None:
    ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    async def note(exit_: Exit) -> None:
        ended.set_result(exit_)

    spec = ExecSpec(argv=("sleep", "1000"), attach_stdout=True)
    _, stdio = await lab.runtime.exec_start(record, secrets.token_hex(32), spec, note)
    assert stdio is not None
    await lab.runtime.release(record.id)
    assert await collect(stdio) == (b"", b"")
    assert ended.result().code == 137
    with pytest.raises(Conflict, match="is not running"):
        await lab.execute(record, "true")


async def test_many_at_once(lab: RuntimeLab, record: ContainerRecord) -> None:
    ran = await asyncio.gather(*(lab.execute(record, "echo", str(number)) for number in range(8)))
    assert [one.stdout for one in ran] == [f"{number}\n" for number in range(8)]


async def test_it_sees_the_containers_network(lab: RuntimeLab, network_namespace: str) -> None:
    other = await lab.started("sleep", "1000", network_namespace=network_namespace)
    assert (await lab.execute(other, "ls", "/sys/class/net")).stdout == "lo\n"


async def test_one_that_is_cancelled_does_not_stay(lab: RuntimeLab, record: ContainerRecord) -> None:
    async def note(_: Exit) -> None: ...

    for steps in range(0, 16, 3):
        spec = ExecSpec(argv=("sleep", "1000"), attach_stdout=True)
        task = asyncio.create_task(lab.runtime.exec_start(record, secrets.token_hex(32), spec, note))
        await asyncio.sleep(steps / 1000)
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled():  # it was done before
            os.kill(task.result()[0], signal.SIGKILL)
    await until(lambda: len(lab.pids(record)) == 1)
