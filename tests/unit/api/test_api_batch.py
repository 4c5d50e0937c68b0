"""Pieces that are sent together, and a client that takes none of them."""

import asyncio
from typing import Any
from unittest.mock import MagicMock

import pytest

from weft.api.streams.batch import Batch


class Response:
    """Takes writes while its gate is open; more than one at a time is a fault."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.taken = bytearray()
        self.handed = 0
        self._busy = False

    async def write(self, data: bytes) -> None:
        assert not self._busy, "two writes at a time"
        self._busy = True
        self.handed += len(data)
        await self.gate.wait()
        self.taken += data
        self._busy = False


def _batch(response: Any) -> Batch:
    return Batch(response)


async def test_what_comes_without_waiting_goes_out_in_one_write() -> None:
    response = MagicMock()
    writes: list[bytes] = []

    async def write(data: bytes) -> None:
        writes.append(bytes(data))

    response.write = write
    async with _batch(response) as batch:
        for _ in range(3):
            await batch.add(b"a")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await batch.add(b"b")
    assert writes == [b"aaa", b"b"]


async def test_a_client_that_takes_nothing_holds_the_producer() -> None:
    """However small the pieces are, and however often the producer waits for more in between."""
    response = Response()
    produced = 0

    async def produce() -> None:
        nonlocal produced
        async with _batch(response) as batch:
            for _ in range(2000):
                await batch.add(b"x" * 1000)
                produced += 1000
                await asyncio.sleep(0)

    producer = asyncio.get_running_loop().create_task(produce())
    for _ in range(5000):
        await asyncio.sleep(0)
    assert not producer.done()
    assert produced < 200_000
    response.gate.set()
    await producer
    assert len(response.taken) == 2_000_000


async def test_a_client_that_left_is_told_of() -> None:
    response = MagicMock()

    async def write(data: bytes) -> None:
        raise ConnectionResetError("gone")

    response.write = write
    batch = _batch(response)
    await batch.add(b"a")
    await asyncio.sleep(0.01)
    with pytest.raises(ConnectionResetError):
        await batch.add(b"b")
