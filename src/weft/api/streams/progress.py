"""Progress of pulls, pushes, loads and imports as JSON lines (Engine API v1.51, CreateImageInfo, PushImageInfo)."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

from weft.api.call import Call
from weft.api.responses import encode
from weft.api.streams.response import begin, closing
from weft.engine.contract.images import Progress
from weft.model.errors import WeftError


async def stream_progress(call: Call, lines: AsyncIterator[Progress]) -> web.StreamResponse:
    """Answer with progress, a line at a time.

    An error before the first line is raised and becomes the response; a later one is an `errorDetail` line.
    """
    async with closing(lines):
        first = await anext(lines, None)
        response = await begin(call, "application/json")
        try:
            if first is not None:
                await response.write(progress_line(first))
            async for line in lines:
                await response.write(progress_line(line))
        except WeftError as error:
            await response.write(error_line(error.message))
    return response


def progress_line(progress: Progress) -> bytes:
    """Return one line, ended by CR LF as Docker does."""
    if progress.error:
        return error_line(progress.error)
    shape: dict[str, Any] = {}
    if progress.stream:
        shape["stream"] = progress.stream
    if progress.status:
        shape["status"] = progress.status
    if progress.row or progress.current or progress.total:
        shape["progressDetail"] = _detail(progress)
    if progress.id:
        shape["id"] = progress.id
    if progress.aux:
        shape["aux"] = progress.aux
    return encode(shape) + b"\r\n"


def error_line(message: str) -> bytes:
    """Return the line that says why it ended."""
    return encode({"errorDetail": {"message": message}, "error": message}) + b"\r\n"


def _detail(progress: Progress) -> Mapping[str, int]:
    detail = {"current": progress.current, "total": progress.total}
    return {name: count for name, count in detail.items() if count}
