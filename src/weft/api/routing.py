"""Paths to handlers: exact paths by one look-up, paths with a name by the few patterns of their noun."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web

from weft.api.call import Call
from weft.api.declaration import NOTHING, Gives, Takes

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
_NAME = "{name}"


@dataclass(frozen=True, slots=True)
class Route:
    """`path` may hold {name}, which matches slashes too: image names have them. `takes` and `gives` declare the rest.

    A streaming route's handler is cancelled when its client goes away; any other change, once begun, is carried out.
    """

    method: str
    path: str
    handler: Handler
    takes: Takes = NOTHING
    gives: Gives = field(kw_only=True)
    streams: bool = False


class Router:
    """All routes; of two patterns that match, the one that was given first wins."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: dict[tuple[str, str], list[tuple[re.Pattern[str], Route]]] = {}
        for route in routes:
            self._add(route)

    def resolve(self, method: str, path: str) -> tuple[Route, str] | None:
        """Return the route and the name in its path, or None."""
        route = self._exact.get((method, path))
        if route is not None:
            return route, ""
        for pattern, candidate in self._patterns.get((method, _noun(path)), ()):
            match = pattern.fullmatch(path)
            if match is not None:
                return candidate, match[1]
        return None

    def _add(self, route: Route) -> None:
        if _NAME not in route.path:
            self._exact[route.method, route.path] = route
            return
        before, _, after = route.path.partition(_NAME)
        pattern = re.compile(f"{re.escape(before)}(.+){re.escape(after)}", re.DOTALL)
        self._patterns.setdefault((route.method, _noun(route.path)), []).append((pattern, route))


def _noun(path: str) -> str:
    return path[1:].partition("/")[0]
