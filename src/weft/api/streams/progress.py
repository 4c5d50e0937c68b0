"""Progress of pulls, pushes, loads and imports as JSON lines (Engine API v1.51, CreateImageInfo, PushImageInfo)."""

from collections.abc import AsyncIterator

from aiohttp import web
from msgspec import UNSET, UnsetType

from weft.api.call import Call
from weft.api.declaration import Media
from weft.api.responses import encode
from weft.api.streams.response import begin, closing
from weft.api.wire.outcomes import ErrorDetail, ProgressDetail, ProgressLine
from weft.engine.contract.images import Progress
from weft.model.errors import WeftError

PROGRESS = Media("application/json", ProgressLine)


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
    line = ProgressLine(
        stream=progress.stream or UNSET,
        status=progress.status or UNSET,
        progress_detail=_detail(progress),
        id=progress.id or UNSET,
        aux=dict(progress.aux) or UNSET,
    )
    return encode(line) + b"\r\n"


def error_line(message: str) -> bytes:
    """Return the line that says why it ended."""
    return encode(ProgressLine(error_detail=ErrorDetail(message=message), error=message)) + b"\r\n"


def _detail(progress: Progress) -> ProgressDetail | UnsetType:
    if progress.row or progress.current or progress.total:
        return ProgressDetail(current=progress.current or UNSET, total=progress.total or UNSET)
    return UNSET
