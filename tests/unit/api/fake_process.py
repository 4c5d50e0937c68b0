"""Processes that a fake engine runs: they keep state, and refuse what a real one would refuse."""

import asyncio
from collections.abc import AsyncIterator, Callable


class FakeStdio:
    """One connection to a fake process."""

    def __init__(self, process: "FakeProcess") -> None:
        self._process = process
        self.queue: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(16)
        self.closed = False

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while (item := await self.queue.get()) is not None:
            yield item

    async def write(self, data: bytes) -> None:
        if self._process.input_closed:
            raise BrokenPipeError("the process closed its standard input")
        await self._process.take(data)

    async def close_input(self) -> None:
        await self._process.end_of_input()

    def close(self) -> None:
        self.closed = True
        self._process.connections.discard(self)


class FakeProcess:
    """`cat` echoes, `echo WORDS` prints, `both` writes to both streams, `flood N` writes N blocks, `exit N` ends with
    N, `deaf` closes its input and waits, anything else waits to be killed."""

    def __init__(self, argv: tuple[str, ...], on_exit: Callable[[int], None]) -> None:
        self.argv = argv
        self.connections: set[FakeStdio] = set()
        self.received = b""
        self.input_closed = argv[:1] == ("deaf",)
        self.code: int | None = None
        self.flooded = 0
        self.ended = asyncio.Event()
        self._on_exit = on_exit
        self._task: asyncio.Task[None] | None = None

    def connect(self) -> FakeStdio:
        stdio = FakeStdio(self)
        self.connections.add(stdio)
        return stdio

    async def adopt(self, stdio: FakeStdio) -> None:
        """Take over a connection made before there was a process, with what it brought."""
        before, stdio._process = stdio._process, self
        self.connections.add(stdio)
        if before.received:
            await self.take(before.received)
        if before.input_closed:
            await self.end_of_input()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def take(self, data: bytes) -> None:
        self.received += data
        if self.argv[:1] == ("cat",):
            await self.emit(1, data)

    async def end_of_input(self) -> None:
        self.input_closed = True
        if self.argv[:1] == ("cat",):
            await self.exit(0)

    async def emit(self, stream: int, data: bytes) -> None:
        for stdio in tuple(self.connections):
            await stdio.queue.put((stream, data))

    async def exit(self, code: int) -> None:
        if self.code is not None:
            return
        self.code = code
        for stdio in tuple(self.connections):
            await stdio.queue.put(None)
        self._on_exit(code)
        self.ended.set()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        program, words = (self.argv or ("true",))[0], self.argv[1:]
        match program:
            case "true":
                await self.exit(0)
            case "exit":
                await self.exit(int(words[0]))
            case "echo":
                await self.emit(1, " ".join(words).encode() + b"\n")
                await self.exit(0)
            case "both":
                await self.emit(1, b"out\n")
                await self.emit(2, b"err\n")
                await self.exit(0)
            case "flood":
                for _ in range(int(words[0])):
                    await self.emit(1, b"x" * 65536)
                    self.flooded += 1
                await self.exit(0)
