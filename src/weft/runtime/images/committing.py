"""Commits: an image made of a container's writable layer over its image's layers (Engine API v1.51 ImageCommit)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Final

from weft.engine.contract.images import Commit
from weft.model.image import ImageHistory, ImageRecord
from weft.runtime.images.archive import receive
from weft.runtime.images.catalogue import Catalogue
from weft.runtime.images.configuration import encode_configuration, parse_configuration
from weft.runtime.images.history import rfc3339
from weft.runtime.images.layers import LayerStore
from weft.runtime.images.scratch import Scratch
from weft.runtime.images.workers import Workers

# a tar file that holds nothing: such a layer is left out, as Docker does
_NOTHING: Final = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"


class Committer:
    """Makes images of containers."""

    def __init__(
        self, catalogue: Catalogue, layers: LayerStore, scratch: Scratch, workers: Workers, clock: Callable[[], int]
    ) -> None:
        self._catalogue = catalogue
        self._layers = layers
        self._scratch = scratch
        self._workers = workers
        self._clock = clock

    async def commit(self, parent: ImageRecord, layer: AsyncIterator[bytes], commit: Commit) -> ImageRecord:
        """Store the image; it has no name yet. What fails, or is called off, leaves nothing."""
        created = rfc3339(self._clock())
        with self._layers.pinned(parent.layers):
            async with self._scratch.directory("commit") as place:
                await receive(layer, place / "archive", self._workers)
                # From the layer's arrival to the record nothing is awaited: no collection comes between.
                added = await self._layers.add(place / "archive")
                is_empty = added.diff_id == _NOTHING
                history = ImageHistory(
                    created=created,
                    created_by=commit.created_by,
                    author=commit.author,
                    comment=commit.comment,
                    empty_layer=is_empty,
                )
                record = replace(
                    parent,
                    created=created,
                    author=commit.author,
                    comment=commit.comment,
                    config=commit.config,
                    layers=parent.layers if is_empty else (*parent.layers, added.diff_id),
                    history=(*parent.history, history),
                )
                configuration = encode_configuration(record)
                sizes = parent.layer_sizes if is_empty else (*parent.layer_sizes, added.size)
                made = self._catalogue.add(
                    replace(parse_configuration(configuration), layer_sizes=sizes), configuration
                )
            if is_empty:
                await self._layers.drop({_NOTHING} - self._catalogue.layers())
        return made
