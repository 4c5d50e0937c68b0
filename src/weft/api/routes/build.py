"""Build: Weft builds no images, and says what does (Engine API v1.51, Image: ImageBuild)."""

from aiohttp import web

from weft.api.call import Call
from weft.api.declaration import gives
from weft.api.responses import json_response
from weft.api.routes.refused import refuse
from weft.api.routing import Route
from weft.api.wire.outcomes import CachesPruned
from weft.model.errors import Unimplemented


def build_routes() -> tuple[Route, ...]:
    """Return the routes; there is never a cache to prune."""
    endpoints = (("POST", "/build"), ("POST", "/build/cancel"), ("POST", "/session"), ("POST", "/grpc"))
    return (
        *refuse(endpoints, _refusal),
        Route("POST", "/build/prune", _prune, gives=gives(CachesPruned)),
    )


def _refusal() -> Unimplemented:
    return Unimplemented(
        "Weft does not build images: build with `buildah build`, `podman build` or "
        "`docker buildx build --builder` with the docker-container driver, save the result as an archive, "
        "and `docker load` it"
    )


async def _prune(call: Call) -> web.StreamResponse:
    return json_response(CachesPruned())
