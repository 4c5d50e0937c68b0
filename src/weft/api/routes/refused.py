"""Endpoints that answer with a refusal."""

from collections.abc import Callable, Iterable

from aiohttp import web

from weft.api.call import Call
from weft.api.declaration import fails
from weft.api.routing import Handler, Route
from weft.model.errors import WeftError


def refusing(error: Callable[[], WeftError]) -> Handler:
    """Return a handler that answers with that error."""

    async def handler(call: Call) -> web.StreamResponse:
        raise error()

    return handler


def refuse(endpoints: Iterable[tuple[str, str]], error: Callable[[], WeftError]) -> tuple[Route, ...]:
    """Return routes that all answer with that error; `endpoints` are (method, path)."""
    handler, declared = refusing(error), fails(type(error()))
    return tuple(Route(method, path, handler, gives=declared) for method, path in endpoints)
