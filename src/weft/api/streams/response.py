"""Streamed responses: chunked, headers at once, each piece sent when it exists."""

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
