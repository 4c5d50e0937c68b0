"""Streamed responses: chunked, headers at once, each piece sent when it exists."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import web

from weft.api.call import Call
from weft.api.responses import HEADERS
from weft.model.errors import WeftError

_T = TypeVar("_T")


async def begin(call: Call, content_type: str, more: Mapping[str, str] | None = None) -> web.StreamResponse:
    """Send status 200 and the headers now, and `more` headers."""
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": content_type, **(more or {})})
    await response.prepare(call.request)
    return response


async def send_all(
    call: Call, content_type: str, chunks: AsyncIterator[bytes], more: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Answer with bytes as they come; what goes wrong before the first of them is raised and becomes the response."""
    first = await anext(chunks, b"")
    response = await begin(call, content_type, more)
    try:
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
    except WeftError as error:
        # no status is left to say it: a connection that breaks keeps the client from taking half for the whole
        raise ConnectionResetError(error.message) from error
    return response


@asynccontextmanager
async def closing(items: AsyncIterator[_T]) -> AsyncIterator[AsyncIterator[_T]]:
    """Close an asynchronous generator in any case, so that what it holds is let go when the client leaves."""
    try:
        yield items
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


@asynccontextmanager
async def started(items: AsyncIterator[_T]) -> AsyncIterator[AsyncIterator[_T]]:
    """Run `items` up to where it first waits, and close it at the end.

    What is wrong with the request is raised here, before a status is sent; and what happens from here on is not missed.
    """
    async with closing(items):
        first = asyncio.get_running_loop().create_task(_next(items))
        try:
            await asyncio.sleep(0)
            if first.done():
                first.result()
            yield _continue(first, items)
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)


async def _continue(first: "asyncio.Task[tuple[_T] | None]", items: AsyncIterator[_T]) -> AsyncIterator[_T]:
    item = await first
    while item is not None:
        yield item[0]
        item = await _next(items)


async def _next(items: AsyncIterator[_T]) -> tuple[_T] | None:
    async for item in items:
        return (item,)
    return None
