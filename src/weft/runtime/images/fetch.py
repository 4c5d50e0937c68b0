"""Fetches the blobs of one image: its configuration, and those of its layers that are not stored yet."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from weft.model.errors import InvalidParameter
from weft.model.image import ImageRecord
from weft.runtime.images.catalogue import Catalogue
from weft.runtime.images.configuration import parse_configuration
from weft.runtime.images.endpoint import Endpoint
from weft.runtime.images.layers import LayerStore
from weft.runtime.images.manifest import Descriptor, Manifest
from weft.runtime.images.progress import Report, Row, report_while
from weft.runtime.images.proxy import BlobProxy
from weft.runtime.images.scratch import Scratch
from weft.runtime.images.skopeo import Skopeo
from weft.runtime.images.unpacking import Unpacking
from weft.runtime.images.workers import Workers


@dataclass(frozen=True, slots=True)
class Source:
    """An image at a registry: `place` in skopeo's words, `auth` the auth file."""

    endpoint: Endpoint
    place: str
    auth: Path


@dataclass(slots=True)
class _Job:
    """One layer to fetch."""

    diff_id: str
    descriptor: Descriptor
    row: Row
    arrived: int = 0

    def count(self, arrived: int) -> None:
        self.arrived = arrived


class Fetcher:
    """Fetches layers, `downloads` at a time for one image; one that several want at a time is fetched once."""

    def __init__(
        self,
        catalogue: Catalogue,
        layers: LayerStore,
        skopeo: Skopeo,
        scratch: Scratch,
        workers: Workers,
        downloads: int,
    ) -> None:
        self._catalogue = catalogue
        self._layers = layers
        self._skopeo = skopeo
        self._scratch = scratch
        self._workers = workers
        self._downloads = downloads

    async def fetch(
        self, source: Source, manifest: Manifest, report: Report, check: Callable[[ImageRecord], None]
    ) -> ImageRecord:
        """Fetch and store an image, under no name yet; `check` may refuse it once its configuration is known.

        Raises ProxyError for what the registry refuses, InvalidParameter for what is malformed.
        """
        async with (
            self._scratch.directory("pull") as place,
            self._skopeo.blobs(source.endpoint, source.place, source.auth) as proxy,
        ):
            configuration = await self._configuration(proxy, manifest.config, place)
            record = parse_configuration(configuration)
            check(record)
            if len(record.layers) != len(manifest.layers):
                raise InvalidParameter("invalid manifest: it has not as many layers as its configuration")
            async with self._layers.admission(record.layers, self._catalogue.layers):
                await self._fetch_layers(source, proxy, self._jobs(record, manifest, report), place)
                sizes = [await self._layers.size(diff_id) for diff_id in record.layers]
                return self._catalogue.add(replace(record, layer_sizes=tuple(sizes)), configuration)

    async def _configuration(self, proxy: BlobProxy, config: Descriptor, place: Path) -> bytes:
        target = place / "configuration"
        work = lambda: proxy.fetch(config.digest, config.size, target, lambda count: None)  # noqa: E731
        await self._workers.run(work, proxy.interrupt)
        return target.read_bytes()

    def _jobs(self, record: ImageRecord, manifest: Manifest, report: Report) -> list[_Job]:
        """Return what is to fetch, and report each layer's first line."""
        jobs: list[_Job] = []
        for diff_id, descriptor in zip(record.layers, manifest.layers, strict=True):
            row = Row(descriptor.digest, report)
            if self._layers.has(diff_id):
                row.say("Already exists")
            elif all(job.diff_id != diff_id for job in jobs):
                row.say("Pulling fs layer")
                jobs.append(_Job(diff_id, descriptor, row))
        for job in jobs[self._downloads :]:
            job.row.say("Waiting")
        return jobs

    async def _fetch_layers(self, source: Source, proxy: BlobProxy, jobs: list[_Job], place: Path) -> None:
        waiting = jobs[::-1]
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(min(self._downloads, len(jobs))):
                    group.create_task(self._drain(source, proxy if number == 0 else None, waiting, place))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _drain(self, source: Source, proxy: BlobProxy | None, waiting: list[_Job], place: Path) -> None:
        """Fetch one layer after another, through a proxy of its own unless one is given."""
        async with AsyncExitStack() as stack:
            while waiting:
                job = waiting.pop()
                if proxy is None:
                    blobs = self._skopeo.blobs(source.endpoint, source.place, source.auth)
                    proxy = await stack.enter_async_context(blobs)
                # One lock at a time, and all of the layer's work under it: pulls cannot wait for each other in a ring.
                async with self._layers.lock(job.diff_id):
                    await self._fetch_layer(proxy, job, place)

    async def _fetch_layer(self, proxy: BlobProxy, job: _Job, place: Path) -> None:
        row, digest, size = job.row, job.descriptor.digest, job.descriptor.size
        if self._layers.has(job.diff_id):
            row.say("Already exists")
            return
        archive = place / digest.removeprefix("sha256:")
        work = self._workers.run(lambda: proxy.fetch(digest, size, archive, job.count), proxy.interrupt)
        await report_while(work, lambda: row.say("Downloading", job.arrived, size))
        row.say("Downloading", size, size)
        row.say("Verifying Checksum")
        row.say("Download complete")
        unpackings: list[Unpacking] = []
        adding = self._layers.add(archive, job.diff_id, digest=digest, watch=unpackings.append)
        await report_while(adding, lambda: row.say("Extracting", unpackings[0].position if unpackings else 0, size))
        row.say("Extracting", size, size)
        row.say("Pull complete")
