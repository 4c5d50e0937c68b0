"""A session between a client's connection and a process's standard streams."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from weft.api.streams.detach import DetachScanner
from weft.api.streams.stdcopy import header
from weft.engine.contract.runtime import Stdio


class Connection(Protocol):
    """What a session needs of the client's side."""

    async def read(self) -> bytes:
        """Return what the client sent since the last call, b"" after it closed its side."""
        ...

    async def write(self, chunks: Iterable[bytes]) -> None:
        """Send; waits while the client is slow. ConnectionError once it is gone."""
        ...

    async def finish(self) -> None:
        """Say that nothing more comes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What of the streams a client wants; `framed`: with the stream's name before each piece, terminals apart.

    `half_close`: the end of the client's input ends the process's (and output goes on); else it ends the session, as
    Docker does for terminals and for containers whose standard input outlives one client. `closes_whole`: the client
    cannot close its side alone: its end is the session's, also where its input is not wanted.
    """

    tty: bool
    stdin: bool
    stdout: bool = True
    stderr: bool = True
    half_close: bool = True
    framed: bool = True
    closes_whole: bool = False
    detach_keys: bytes = b""


async def run_session(connection: Connection, stdio: Stdio, options: SessionOptions) -> None:
    """Carry data both ways until the process has ended, the client detached, or the client is gone."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(_send_output(connection, stdio, options))]
    if options.stdin:
        tasks.append(loop.create_task(_take_input(connection, stdio, options)))
    elif options.closes_whole:
        tasks.append(loop.create_task(_drop_input(connection)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done() and not tasks[-1].cancelled() and tasks[-1].exception() is None and tasks[-1].result():
            await asyncio.wait(tasks[:1])
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        stdio.close()
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionError):
            raise result
    await connection.finish()


async def _send_output(connection: Connection, stdio: Stdio, options: SessionOptions) -> bool:
    async for stream, data in stdio.output():
        if options.tty:
            await connection.write((data,))
        elif options.stdout if stream == 1 else options.stderr:
            await connection.write((header(stream, len(data)), data) if options.framed else (data,))
    return False


async def _take_input(connection: Connection, stdio: Stdio, options: SessionOptions) -> bool:
    """Pass input on; return whether the session goes on after its end."""
    scanner = DetachScanner(options.detach_keys) if options.tty and options.detach_keys else None
    while data := await connection.read():
        detached = False
        if scanner is not None:
            data, detached = scanner.feed(data)
        if data and not await _deliver(stdio, data):
            return True
        if detached:
            return False
    if options.half_close and not options.tty:
        await stdio.close_input()
        return not options.closes_whole
    return False


async def _drop_input(connection: Connection) -> bool:
    while await connection.read():
        pass
    return False


async def _deliver(stdio: Stdio, data: bytes) -> bool:
    try:
        await stdio.write(data)
    except (ConnectionError, OSError):
        return False  # the process closed its standard input; its output may go on
    return True
