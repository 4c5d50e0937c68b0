"""Images: list, inspect, tag, remove, prune, pull, push (Engine API v1.51, Image)."""

from collections.abc import Iterable

from aiohttp import web
from msgspec import convert

from weft.api.backend import Backend
from weft.api.call import Call
from weft.api.declaration import empty, fails, filters, flag, gives, header, takes, text, texts
from weft.api.registry_auth import decode_registry_auth
from weft.api.responses import empty_response, json_response
from weft.api.routing import Route
from weft.api.streams.progress import PROGRESS, stream_progress
from weft.api.wire.image import ImageInspect, ImageSummary, image_inspect, image_summary
from weft.api.wire.outcomes import HistoryLine, ImageDeletion, ImagesPruned
from weft.api.wire.platform import check_platform
from weft.engine.contract.images import Credentials
from weft.model.errors import Conflict, InvalidParameter, NotFound, SystemFailure, Unauthorized, Unimplemented
from weft.model.image import ImageRecord

AUTH = "X-Registry-Auth"


class ImageRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._images = backend.images

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        one = "/images/{name}"
        return (
            Route(
                "GET",
                "/images/json",
                self.listing,
                takes(flag("all"), filters(), flag("shared-size")),
                gives=gives(list[ImageSummary], NotFound),
            ),
            Route("GET", "/images/search", self.search, gives=fails(Unimplemented)),
            Route("POST", "/images/prune", self.prune, takes(filters()), gives=gives(ImagesPruned, Conflict)),
            Route("GET", f"{one}/json", self.inspect, takes(text("platform")), gives=gives(ImageInspect, NotFound)),
            Route(
                "GET", f"{one}/history", self.history, takes(text("platform")), gives=gives(list[HistoryLine], NotFound)
            ),
            Route(
                "POST",
                f"{one}/tag",
                self.tag,
                takes(text("repo", required=True), text("tag")),
                gives=empty(NotFound, Conflict, status=201),
            ),
            Route(
                "POST",
                f"{one}/push",
                self.push,
                takes(text("tag"), text("platform"), header(AUTH)),
                gives=gives(PROGRESS, Unauthorized, NotFound),
                streams=True,
            ),
            Route(
                "DELETE",
                one,
                self.remove,
                takes(flag("force"), flag("noprune"), texts("platforms")),
                gives=gives(list[ImageDeletion], NotFound, Conflict, Unimplemented),
            ),
        )

    async def listing(self, call: Call) -> web.StreamResponse:
        """GET /images/json."""
        records = self._images.filtered(call.filters(), all=call.flag("all"))
        shared = shared_sizes(self._images.list()) if call.flag("shared-size") else {}
        return json_response(
            [image_summary(record, call.version, shared_size=shared.get(record.id, -1)) for record in records]
        )

    async def inspect(self, call: Call) -> web.StreamResponse:
        """GET /images/{name}/json."""
        record = self._images.find(call.name)
        check_platform(call.text("platform"), call.name, record)
        return json_response(image_inspect(record, call.version, self._layers(record)))

    async def history(self, call: Call) -> web.StreamResponse:
        """GET /images/{name}/history."""
        check_platform(call.text("platform"), call.name, self._images.find(call.name))
        return json_response(convert(await self._images.history(call.name), list[HistoryLine]))

    async def tag(self, call: Call) -> web.StreamResponse:
        """POST /images/{name}/tag."""
        await self._images.tag(call.name, call.text("repo"), call.text("tag"))
        return empty_response(201)

    async def remove(self, call: Call) -> web.StreamResponse:
        """DELETE /images/{name}."""
        if call.texts("platforms"):
            raise Unimplemented("platforms is not supported: an image here has one platform")
        done = await self._images.delete(call.name, force=call.flag("force"), prune=not call.flag("noprune"))
        return json_response(deletions(done))

    async def prune(self, call: Call) -> web.StreamResponse:
        """POST /images/prune."""
        done, reclaimed = await self._images.prune_unused(call.filters())
        return json_response(ImagesPruned(images_deleted=deletions(done) or None, space_reclaimed=reclaimed))

    async def push(self, call: Call) -> web.StreamResponse:
        """POST /images/{name}/push."""
        reference = with_tag(call.name, call.text("tag"))
        if call.text("platform"):
            check_platform(call.text("platform"), reference, self._images.find(reference))
        return await stream_progress(call, self._images.push(reference, credentials(call)))

    async def search(self, call: Call) -> web.StreamResponse:
        """GET /images/search."""
        raise Unimplemented("search is not supported: search on the registry's web site, and pull by name")

    def _layers(self, record: ImageRecord) -> tuple[str, ...]:
        """An image can be looked at although its files are lost."""
        try:
            return self._images.layer_directories(record.layers)
        except SystemFailure:
            return ()


def credentials(call: Call) -> Credentials | None:
    """Return what the X-Registry-Auth header carries."""
    return decode_registry_auth(call.header(AUTH))


def with_tag(name: str, tag: str) -> str:
    """Return `name:tag`, or `name@digest` where the tag is a digest; InvalidParameter without a name."""
    if not name:
        raise InvalidParameter("invalid reference format")
    if not tag:
        return name
    return f"{name}@{tag}" if ":" in tag else f"{name}:{tag}"


def deletions(done: Iterable[tuple[str, str]]) -> list[ImageDeletion]:
    """Return what was removed, in order."""
    return [ImageDeletion(untagged=name) if kind == "Untagged" else ImageDeletion(deleted=name) for kind, name in done]


def shared_sizes(records: Iterable[ImageRecord]) -> dict[str, int]:
    """Return, by image id, the bytes of the layers that another image has too."""
    images = tuple(records)
    users: dict[str, int] = {}
    for image in images:
        for layer in set(image.layers):
            users[layer] = users.get(layer, 0) + 1
    return {
        image.id: sum(size for layer, size in zip(image.layers, image.layer_sizes, strict=False) if users[layer] > 1)
        for image in images
    }
