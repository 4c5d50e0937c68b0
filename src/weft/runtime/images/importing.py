"""Imports: one-layer images, of a root file system's tar and of the built-in program."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from weft.engine.contract.images import Progress
from weft.model.image import ImageConfig, ImageHistory, ImageRecord
from weft.runtime.images.archive import receive
from weft.runtime.images.builtin import Busybox
from weft.runtime.images.catalogue import Catalogue
from weft.runtime.images.changes import apply_changes
from weft.runtime.images.configuration import encode_configuration, parse_configuration
from weft.runtime.images.history import rfc3339
from weft.runtime.images.layers import LayerStore
from weft.runtime.images.platform import Platform
from weft.runtime.images.progress import Report
from weft.runtime.images.reference import Reference
from weft.runtime.images.scratch import Scratch
from weft.runtime.images.workers import Workers

_COMMENT = "Imported from -"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What `docker import` asks for; `name` None leaves the image unnamed."""

    name: Reference | None
    message: str
    changes: tuple[str, ...]
    platform: Platform


class Importer:
    """Makes images of tar files."""

    def __init__(
        self, catalogue: Catalogue, layers: LayerStore, scratch: Scratch, workers: Workers, clock: Callable[[], int]
    ) -> None:
        self._catalogue = catalogue
        self._layers = layers
        self._scratch = scratch
        self._workers = workers
        self._clock = clock

    async def import_(self, stream: AsyncIterator[bytes], request: ImportRequest, report: Report) -> None:
        """Store a root file system, compressed or not, as an image; reports its id."""
        config = apply_changes(ImageConfig(), request.changes)
        created = rfc3339(self._clock())
        comment = request.message or _COMMENT
        record = ImageRecord(
            id="",
            created=created,
            architecture=request.platform.architecture,
            os=request.platform.os,
            variant=request.platform.variant,
            comment=comment,
            config=config,
            history=(ImageHistory(created=created, comment=comment),),
        )
        async with self._scratch.directory("import") as place:
            await receive(stream, place / "archive", self._workers)
            record = await self._store(record, place / "archive", request.name)
        report(Progress(status=record.id))

    async def make(self, busybox: Busybox, name: Reference) -> ImageRecord:
        """Store the built-in image under a name."""
        async with self._scratch.directory("builtin") as place:
            layer = place / "layer"
            await self._workers.run(lambda: busybox.write_layer(layer))
            return await self._store(busybox.record(), layer, name)

    async def _store(self, record: ImageRecord, archive: Path, name: Reference | None) -> ImageRecord:
        # From the layer's arrival to the record nothing is awaited: no collection comes between.
        layer = await self._layers.add(archive)
        configuration = encode_configuration(replace(record, layers=(layer.diff_id,)))
        record = replace(parse_configuration(configuration), layer_sizes=(layer.size,))
        record = self._catalogue.add(record, configuration)
        return record if name is None else self._catalogue.name(record.id, name, now=self._clock())
