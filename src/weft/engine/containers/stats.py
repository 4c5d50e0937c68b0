"""Statistics of containers: one sampler a container, however many look at it, and none that nobody looks at."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from weft.engine.contract.environment import Environment
from weft.engine.contract.kernel import Kernel
from weft.engine.contract.runtime import Runtime
from weft.engine.contract.usage import InterfaceCounters, Usage
from weft.engine.inventory import Inventory
from weft.model.container import ContainerRecord
from weft.model.errors import WeftError

_PERIOD = 1.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a container used at one moment; `usage` None: it does not run. `read` in nanoseconds since the epoch."""

    id: str
    name: str
    read: int = 0
    usage: Usage | None = None
    interfaces: Mapping[str, InterfaceCounters] = field(default_factory=dict)


@dataclass(slots=True)
class _Sampler:
    """`newest` is None once the container is gone; `news` is replaced with every sample."""

    newest: Sample | None
    news: asyncio.Event
    watchers: int = 0
    task: asyncio.Task[None] | None = None


class StatsService:
    """Samples containers for as long as somebody watches them."""

    def __init__(self, inventory: Inventory, runtime: Runtime, kernel: Kernel, environment: Environment) -> None:
        self._inventory = inventory
        self._runtime = runtime
        self._kernel = kernel
        self._environment = environment
        self._samplers: dict[str, _Sampler] = {}

    async def once(self, reference: str) -> Sample:
        """Return a sample of now; NotFound without the container."""
        return await self._sample(self._inventory.find_container(reference))

    async def follow(self, reference: str) -> AsyncIterator[Sample]:
        """Yield a sample now and every second, until the container is removed; NotFound without it.

        Who is slow misses samples and holds nobody up.
        """
        record = self._inventory.find_container(reference)
        sampler = self._samplers.get(record.id)
        if sampler is None:
            sampler = self._samplers[record.id] = _Sampler(None, asyncio.Event())
            sampler.task = asyncio.create_task(self._run(record.id, sampler))
        sampler.watchers += 1
        try:
            if sampler.newest is None:
                await sampler.news.wait()
            while (sample := sampler.newest) is not None:
                news = sampler.news
                yield sample
                await news.wait()
        finally:
            sampler.watchers -= 1
            if not sampler.watchers:
                self._end(record.id, sampler)

    def _end(self, container_id: str, sampler: _Sampler) -> None:
        if self._samplers.get(container_id) is sampler:
            del self._samplers[container_id]
        if sampler.task is not None:
            sampler.task.cancel()

    async def _run(self, container_id: str, sampler: _Sampler) -> None:
        try:
            while (record := self._inventory.containers.get(container_id)) is not None:
                self._publish(sampler, await self._sample(record))
                await self._environment.sleep(_PERIOD)
        finally:
            self._publish(sampler, None)

    def _publish(self, sampler: _Sampler, sample: Sample | None) -> None:
        sampler.newest = sample
        news, sampler.news = sampler.news, asyncio.Event()
        news.set()

    async def _sample(self, record: ContainerRecord) -> Sample:
        empty = Sample(id=record.id, name=record.name)
        if not record.state.is_running:
            return empty
        try:
            usage, interfaces = await asyncio.gather(self._runtime.usage(record.id), self._interfaces(record))
        except WeftError:
            return empty  # it has just ended
        return Sample(id=record.id, name=record.name, read=self._environment.now(), usage=usage, interfaces=interfaces)

    async def _interfaces(self, record: ContainerRecord) -> Mapping[str, InterfaceCounters]:
        """Count what the engine put into the sandbox, which may be another container's; the host's are not the
        container's own.
        """
        owner = self._inventory.containers.get(record.sandbox_id)
        if owner is None:
            return {}
        endpoints = (attachment.endpoint for attachment in owner.attachments)
        names = {endpoint.sandbox_link for endpoint in endpoints if endpoint is not None and endpoint.sandbox_link}
        counted: Mapping[str, InterfaceCounters] = {}
        if names:
            with suppress(WeftError):  # the sandbox is being lowered
                counted = await self._kernel.counters(record.sandbox_id)
        return {name: counters for name, counters in counted.items() if name in names}
