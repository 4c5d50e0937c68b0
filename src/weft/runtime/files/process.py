"""The worker process, as the daemon runs it: one job each, ended when nobody wants its result."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Final

from weft.model.errors import InvalidParameter, SystemFailure, WeftError

_PIECE: Final = 1 << 18  # bytes
_PATIENCE: Final = 10.0  # seconds that a job has to clear away what it was about to write
_KINDS: Final[Mapping[str, type[WeftError]]] = {"InvalidParameter": InvalidParameter, "SystemFailure": SystemFailure}
_MODULE: Final = "weft.runtime.files.worker"

Job = Mapping[str, object]


async def stream(job: Job, descriptors: Sequence[int]) -> AsyncGenerator[bytes, None]:
    """Yield what the job sends; closing the stream early ends it. Raises its failure."""
    process = await _start(job, descriptors, takes_input=False)
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        while piece := await process.stdout.read(_PIECE):
            yield piece
        await _finish(process)
    finally:
        await _end(process)


async def feed(job: Job, descriptors: Sequence[int], archive: AsyncIterator[bytes]) -> None:
    """Send an archive to the job and wait for its end; raises its failure.

    Called off, it is told by the end of its input, so that it can remove what it has half written.
    """
    process = await _start(job, descriptors, takes_input=True)
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    try:
        with contextlib.suppress(ConnectionError):  # it has ended: its status says why
            async for piece in archive:
                process.stdin.write(piece)
                await process.stdin.drain()
        process.stdin.close()
        await _finish(process)
    except BaseException:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await process.wait()
        raise
    finally:
        await _end(process)


async def _start(job: Job, descriptors: Sequence[int], *, takes_input: bool) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-m", _MODULE, json.dumps(job)),
        stdin=PIPE if takes_input else DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        pass_fds=descriptors,
        limit=_PIECE,
    )


async def _finish(process: Process) -> None:
    assert process.stderr is not None  # noqa: S101 - a pipe was asked for
    complaint = await process.stderr.read()
    if await process.wait() != 0:
        raise _failure(complaint)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _failure(complaint: bytes) -> WeftError:
    line = complaint.rstrip().rpartition(b"\n")[2]
    try:
        failure = json.loads(line)
        return _KINDS[failure["kind"]](failure["message"])
    except (ValueError, KeyError, TypeError):
        return SystemFailure(f"reading or writing the container's files failed: {line.decode(errors='replace')[:500]}")
