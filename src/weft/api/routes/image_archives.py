"""Images as archives: pull and import, load, save (Engine API v1.51, Image)."""

from collections.abc import AsyncIterator

from aiohttp import web

from weft.api.backend import Backend
from weft.api.call import Call
from weft.api.routes.images import credentials, with_tag
from weft.api.routing import Route
from weft.api.streams.progress import stream_progress
from weft.api.streams.response import begin, closing
from weft.model.errors import InvalidParameter, Unimplemented, WeftError


class ImageArchiveRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._images = backend.images

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        return (
            Route("POST", "/images/create", self.create, streams=True),
            Route("POST", "/images/load", self.load, streams=True),
            Route("GET", "/images/get", self.save, streams=True),
            Route("GET", "/images/{name}/get", self.save, streams=True),
        )

    async def create(self, call: Call) -> web.StreamResponse:
        """POST /images/create: pull `fromImage`, or import the body where `fromSrc` is `-`."""
        if call.text("fromImage"):
            reference = with_tag(call.text("fromImage"), call.text("tag"))
            return await stream_progress(call, self._images.pull(reference, credentials(call), call.text("platform")))
        source = call.text("fromSrc")
        if not source:
            raise InvalidParameter("fromImage or fromSrc is needed")
        if source != "-":
            raise Unimplemented("importing from a URL is not supported: download it and import the file")
        return await stream_progress(
            call,
            self._images.import_(
                _body(call),
                repository=call.text("repo"),
                tag=call.text("tag"),
                message=call.text("message"),
                changes=call.texts("changes"),
                platform=call.text("platform"),
            ),
        )

    async def load(self, call: Call) -> web.StreamResponse:
        """POST /images/load."""
        return await stream_progress(call, self._images.load(_body(call), quiet=call.flag("quiet")))

    async def save(self, call: Call) -> web.StreamResponse:
        """GET /images/{name}/get and /images/get: what goes wrong before the first byte is the response."""
        references = (call.name,) if call.name else tuple(n for text in call.texts("names") for n in text.split(","))
        if not references:
            raise InvalidParameter("names is needed: the images to save")
        async with closing(self._images.save(references)) as chunks:
            first = await anext(chunks, b"")
            response = await begin(call, "application/x-tar")
            try:
                await response.write(first)
                async for chunk in chunks:
                    await response.write(chunk)
            except WeftError as error:
                # no status is left to say it: a connection that breaks keeps the client from taking half for the whole
                raise ConnectionResetError(error.message) from error
        return response


async def _body(call: Call) -> AsyncIterator[bytes]:
    async for chunk in call.request.content.iter_any():
        yield chunk
