"""Statistics of containers (Engine API v1.51, ContainerStats)."""

from collections.abc import AsyncIterator

from aiohttp import web

from weft.api.backend import Backend
from weft.api.call import Call
from weft.api.declaration import Media, flag, gives, takes
from weft.api.responses import encode, json_response
from weft.api.routing import Route
from weft.api.streams.response import begin, closing
from weft.api.wire.stats import StatsAnswer, stats_answer
from weft.engine.containers.stats import Sample
from weft.model.errors import InvalidParameter, NotFound


class StatsRoutes:
    """Handlers over the backend."""

    def __init__(self, backend: Backend) -> None:
        self._containers = backend.containers
        self._stats = backend.stats

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        return (
            Route(
                "GET",
                "/containers/{name}/stats",
                self.stats,
                takes(flag("stream"), flag("one-shot")),
                gives=gives(Media("application/json", StatsAnswer), NotFound),
                streams=True,
            ),
        )

    async def stats(self, call: Call) -> web.StreamResponse:
        """GET /containers/{name}/stats: a sample a second, or one that tells of the second that has passed."""
        stream, one_shot = call.flag("stream", default=True), call.flag("one-shot")
        if stream and one_shot:
            raise InvalidParameter("cannot have stream=true and one-shot=true")
        record = self._containers.find(call.name)
        if one_shot or not (stream or record.state.is_running):
            return json_response(stats_answer(await self._stats.once(record.id), None))
        async with closing(self._stats.follow(record.id)) as samples:
            if not stream:
                return json_response(await _second(samples))
            response = await begin(call, "application/json")
            former: Sample | None = None
            async for sample in samples:
                await response.write(encode(stats_answer(sample, former)) + b"\n")
                former = sample
        return response


async def _second(samples: AsyncIterator[Sample]) -> StatsAnswer:
    """Return the answer of the second sample, so that there is a first one to compare it with."""
    former: Sample | None = None
    async for sample in samples:
        if former is not None:
            return stats_answer(sample, former)
        former = sample
    raise NotFound("the container was removed while its statistics were read")
