"""Streamed responses: chunked, headers at once, each piece sent when it exists."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import web

from weft.api.call import Call
from weft.api.responses import HEADERS

_T = TypeVar("_T")


async def begin(call: Call, content_type: str) -> web.StreamResponse:
    """Send status 200 and the headers now."""
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": content_type})
    await response.prepare(call.request)
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
