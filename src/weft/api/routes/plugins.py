"""Plugins: none are installed, and none can be (Engine API v1.51, Plugin)."""

from aiohttp import web

from weft.api.call import Call
from weft.api.declaration import fails, filters, gives, takes
from weft.api.responses import json_response
from weft.api.routes.refused import refuse
from weft.api.routing import Route
from weft.model.errors import NotFound, Unimplemented

_CHANGES = ("enable", "disable", "upgrade", "push", "set")


def plugin_routes() -> tuple[Route, ...]:
    """Return the routes."""
    one = "/plugins/{name}"
    missing = fails(NotFound)
    return (
        Route("GET", "/plugins", _listing, takes(filters()), gives=gives(list[dict[str, object]])),
        *refuse((("GET", "/plugins/privileges"), ("POST", "/plugins/pull"), ("POST", "/plugins/create")), _refusal),
        *(Route("POST", f"{one}/{change}", _missing, gives=missing) for change in _CHANGES),
        Route("GET", f"{one}/json", _missing, gives=missing),
        Route("DELETE", one, _missing, gives=missing),
    )


def _refusal() -> Unimplemented:
    return Unimplemented("managed plugins are not supported by Weft: drivers come with it")


async def _listing(call: Call) -> web.StreamResponse:
    return json_response([])


async def _missing(call: Call) -> web.StreamResponse:
    raise NotFound(f'plugin "{call.name}" not found')
