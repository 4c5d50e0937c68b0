"""A session between a hijacked connection and a process's standard streams."""

import asyncio
from dataclasses import dataclass

from weft.api.streams.detach import DetachScanner
from weft.api.streams.hijack import HijackedConnection
from weft.api.streams.stdcopy import header
from weft.engine.contract.runtime import Stdio


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What of the streams a client wants.

    `half_close`: the end of the client's input ends the process's (and output goes on); else it ends the session, as
    Docker does for terminals and for containers whose standard input outlives one client.
    """

    tty: bool
    stdin: bool
    stdout: bool = True
    stderr: bool = True
    half_close: bool = True
    detach_keys: bytes = b""


async def run_session(connection: HijackedConnection, stdio: Stdio, options: SessionOptions) -> None:
    """Carry data both ways until the process has ended, the client detached, or the client is gone."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(_send_output(connection, stdio, options))]
    if options.stdin:
        tasks.append(loop.create_task(_take_input(connection, stdio, options)))
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


async def _send_output(connection: HijackedConnection, stdio: Stdio, options: SessionOptions) -> bool:
    async for stream, data in stdio.output():
        if options.tty:
            await connection.write((data,))
        elif options.stdout if stream == 1 else options.stderr:
            await connection.write((header(stream, len(data)), data))
    return False


async def _take_input(connection: HijackedConnection, stdio: Stdio, options: SessionOptions) -> bool:
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
        return True
    return False


async def _deliver(stdio: Stdio, data: bytes) -> bool:
    try:
        await stdio.write(data)
    except (ConnectionError, OSError):
        return False  # the process closed its standard input; its output may go on
    return True
