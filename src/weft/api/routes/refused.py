"""Endpoints that answer with a refusal naming them, and what to do instead."""

from collections.abc import Callable, Iterable

from aiohttp import web

from weft.api.call import Call
from weft.api.declaration import fails
from weft.api.routing import Handler, Route
from weft.model.errors import Unimplemented, WeftError


def refusing(error: Callable[[], WeftError]) -> Handler:
    """Return a handler that answers with that error."""

    async def handler(call: Call) -> web.StreamResponse:
        raise error()

    return handler


def refuse(endpoints: Iterable[tuple[str, str]], error: Callable[[], WeftError]) -> tuple[Route, ...]:
    """Return routes that all answer with that error; `endpoints` are (method, path)."""
    handler, declared = refusing(error), fails(type(error()))
    return tuple(Route(method, path, handler, gives=declared) for method, path in endpoints)


def _unsupported(what: str, instead: str) -> Callable[[], WeftError]:
    return lambda: Unimplemented(f"{what} is not supported by Weft yet: {instead}")


def unsupported_routes() -> tuple[Route, ...]:
    """Return the routes of the container and image endpoints that Weft does not have yet."""
    return (
        *refuse(
            (("GET", "/distribution/{name}/json"),),
            _unsupported("distribution (distribution/{name}/json)", "use skopeo inspect docker://NAME"),
        ),
    )
