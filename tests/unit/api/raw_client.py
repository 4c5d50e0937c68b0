"""HTTP by hand, for what no client library lets one see."""

import asyncio
import contextlib
import socket
import struct
from pathlib import Path


def listen(path: Path) -> socket.socket:
    """Return a listening Unix socket."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    return listener


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, path: str) -> "RawClient":
        return cls(*await asyncio.open_unix_connection(path))

    async def request(self, line: str, *, body: bytes = b"", upgrade: bool = False, **headers: str) -> str:
        """Send a request and return the response's head."""
        lines = [f"{line} HTTP/1.1", "Host: docker"]
        if upgrade:
            lines += ["Connection: Upgrade", "Upgrade: tcp"]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        return await self.head()

    async def head(self) -> str:
        return (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode()

    async def chunk(self) -> bytes:
        """Return one chunk of a chunked body, b"" for the last."""
        size = int(await asyncio.wait_for(self.reader.readline(), 10), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def frame(self) -> tuple[int, bytes]:
        """Return one frame of a multiplexed stream."""
        stream, length = struct.unpack(">BxxxL", await asyncio.wait_for(self.reader.readexactly(8), 10))
        return stream, await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Return all until the server closes."""
        return await asyncio.wait_for(self.reader.read(), 10)

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
