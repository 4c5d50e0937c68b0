"""Images as archives: pull and import, load, save (Engine API v1.51, Image)."""

from aiohttp import web

from weft.api.backend import Backend
from weft.api.call import Call
from weft.api.declaration import Media, flag, gives, header, takes, text, texts
from weft.api.routes.images import AUTH, credentials, with_tag
from weft.api.routing import Route
from weft.api.streams.progress import PROGRESS, stream_progress
from weft.api.streams.response import closing, send_all
from weft.api.wire.platform import check_platform
from weft.model.errors import InvalidParameter, NotFound, Unauthorized, Unimplemented

ARCHIVE = Media("application/x-tar")


class ImageArchiveRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._images = backend.images

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        saved = gives(ARCHIVE, NotFound)
        return (
            Route(
                "POST",
                "/images/create",
                self.create,
                takes(
                    *(text(name) for name in ("fromImage", "fromSrc", "repo", "tag", "message", "platform")),
                    texts("changes"),
                    header(AUTH),
                    body=ARCHIVE,
                ),
                gives=gives(PROGRESS, Unauthorized, NotFound, Unimplemented),
                streams=True,
            ),
            Route(
                "POST",
                "/images/load",
                self.load,
                takes(flag("quiet"), text("platform"), body=ARCHIVE),
                gives=gives(PROGRESS, Unimplemented),
                streams=True,
            ),
            Route(
                "GET",
                "/images/get",
                self.save_several,
                takes(texts("names"), text("platform")),
                gives=saved,
                streams=True,
            ),
            Route("GET", "/images/{name}/get", self.save, takes(text("platform")), gives=saved, streams=True),
        )

    async def create(self, call: Call) -> web.StreamResponse:
        """POST /images/create: pull `fromImage`, all tags where it has none, or import the body if `fromSrc` is `-`."""
        if call.text("fromImage"):
            reference = with_tag(call.text("fromImage"), call.text("tag"))
            all_tags = ":" not in reference.rpartition("/")[2]
            pulling = self._images.pull(reference, credentials(call), call.text("platform"), all_tags=all_tags)
            return await stream_progress(call, pulling)
        source = call.text("fromSrc")
        if not source:
            raise InvalidParameter("fromImage or fromSrc is needed")
        if source != "-":
            raise Unimplemented("importing from a URL is not supported: download it and import the file")
        return await stream_progress(
            call,
            self._images.import_(
                call.chunks(),
                repository=call.text("repo"),
                tag=call.text("tag"),
                message=call.text("message"),
                changes=call.texts("changes"),
                platform=call.text("platform"),
            ),
        )

    async def load(self, call: Call) -> web.StreamResponse:
        """POST /images/load."""
        if call.text("platform"):
            raise Unimplemented("platform is not supported by load: images have the one that their archive says")
        return await stream_progress(call, self._images.load(call.chunks(), quiet=call.flag("quiet")))

    async def save(self, call: Call) -> web.StreamResponse:
        """GET /images/{name}/get."""
        return await self._save(call, (call.name,))

    async def save_several(self, call: Call) -> web.StreamResponse:
        """GET /images/get."""
        references = tuple(name for names in call.texts("names") for name in names.split(","))
        if not references:
            raise InvalidParameter("names is needed: the images to save")
        return await self._save(call, references)

    async def _save(self, call: Call, references: tuple[str, ...]) -> web.StreamResponse:
        platform = call.text("platform")
        for reference in references if platform else ():
            check_platform(platform, reference, self._images.find(reference))
        async with closing(self._images.save(references)) as chunks:
            return await send_all(call, ARCHIVE.content_type, chunks)
