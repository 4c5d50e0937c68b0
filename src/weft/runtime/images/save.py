"""Saves images: a docker-archive and an OCI image layout in one tar file, as Docker 25 and later write it."""

import json
import os
import tarfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

from weft.model.errors import InvalidParameter, NotFound
from weft.model.image import ImageRecord
from weft.runtime.images.catalogue import Catalogue
from weft.runtime.images.compression import CHUNK, compression_of
from weft.runtime.images.configuration import image_id
from weft.runtime.images.layers import LayerStore
from weft.runtime.images.manifest import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    encode_descriptor,
    encode_manifest,
)
from weft.runtime.images.platform import Platform
from weft.runtime.images.reference import Reference, parse
from weft.runtime.images.scratch import Scratch
from weft.runtime.images.workers import Workers

_BLOBS = "blobs/sha256"


@dataclass(frozen=True, slots=True)
class _Saved:
    """One image in the archive."""

    record: ImageRecord
    names: tuple[Reference, ...]
    manifest: Descriptor
    layers: tuple[str, ...]  # members


class Saver:
    """Writes images with the archives their layers came as, so that ids and digests stay what they are."""

    def __init__(self, catalogue: Catalogue, layers: LayerStore, scratch: Scratch, workers: Workers) -> None:
        self._catalogue = catalogue
        self._layers = layers
        self._scratch = scratch
        self._workers = workers

    async def save(self, references: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
        """Yield the archive; equal images give equal bytes. NotFound is raised before the first of them."""
        chosen = self._choose(references)
        async with self._scratch.directory("save") as place:
            # Links keep the layers' archives while this lasts, whoever deletes the image meanwhile.
            members: dict[str, bytes | Path] = {}
            saved = [self._lay_out(record, names, members, place) for record, names in chosen]
            members |= _documents(saved)
            for directory in ("blobs", _BLOBS):
                yield _header(directory, 0, tarfile.DIRTYPE)
            for name, content in members.items():
                async for chunk in self._member(name, content):
                    yield chunk
            yield bytes(2 * tarfile.BLOCKSIZE)

    def _choose(self, references: tuple[str, ...]) -> list[tuple[ImageRecord, tuple[Reference, ...]]]:
        """Return the images with the names to save each under: none for an id, all tags for a bare repository."""
        if not references:
            raise InvalidParameter("no image to save: name one")
        chosen: dict[str, tuple[ImageRecord, tuple[Reference, ...]]] = {}
        for text in references:
            for record, names in self._expand(text):
                known = chosen.get(record.id, (record, ()))[1]
                chosen[record.id] = (record, known + tuple(name for name in names if name not in known))
        return list(chosen.values())

    def _expand(self, text: str) -> list[tuple[ImageRecord, tuple[Reference, ...]]]:
        record: ImageRecord | None
        try:
            record = self._catalogue.find(text)
        except NotFound:
            record = None
        if record is not None and self._catalogue.is_id(text, record):
            return [(record, ())]
        reference = parse(text)
        tagged = () if reference.tag or reference.digest else self._catalogue.of_repository(reference)
        if tagged:
            return [(found, (name,)) for name, found in tagged]
        if record is None:
            raise NotFound(f"No such image: {reference.with_default_tag().familiar}")
        return [(record, (replace(reference, digest=""),) if reference.tag and not reference.digest else ())]

    def _lay_out(
        self, record: ImageRecord, names: tuple[Reference, ...], members: dict[str, bytes | Path], place: Path
    ) -> _Saved:
        configuration = self._catalogue.configuration(record.id)
        layers = []
        for diff_id in record.layers:
            blob = self._layers.blob(diff_id)
            kept = place / blob.digest.removeprefix("sha256:")
            if not kept.exists():
                os.link(blob.path, kept)
            compression = compression_of(kept)
            kind = f"{OCI_LAYER}+{compression}" if compression else OCI_LAYER
            layers.append(Descriptor(blob.digest, kept.stat().st_size, kind))
            members[_blob_name(blob.digest)] = kept
        config = Descriptor(record.id, len(configuration), OCI_CONFIG)
        manifest = encode_manifest(OCI_MANIFEST, config, tuple(layers))
        digest = image_id(manifest)
        members[_blob_name(record.id)] = configuration
        members[_blob_name(digest)] = manifest
        platform = Platform(record.os, record.architecture, record.variant)
        described = Descriptor(digest, len(manifest), OCI_MANIFEST, platform)
        return _Saved(record, names, described, tuple(_blob_name(layer.digest) for layer in layers))

    async def _member(self, name: str, content: bytes | Path) -> AsyncGenerator[bytes, None]:
        """Yield one file: its header, its bytes, and the filling of the last block."""
        if isinstance(content, bytes):
            yield _header(name, len(content)) + content + _filling(len(content))
            return
        with content.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            yield _header(name, size)
            while chunk := await self._workers.run(lambda: file.read(CHUNK)):
                yield chunk
            yield _filling(size)


def _documents(saved: list[_Saved]) -> dict[str, bytes | Path]:
    """Return the documents at the archive's root."""
    entries = [_described(image, name) for image in saved for name in image.names or (None,)]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    docker = [
        {
            "Config": _blob_name(image.record.id),
            "RepoTags": [name.familiar for name in image.names] or None,
            "Layers": list(image.layers),
        }
        for image in saved
    ]
    repositories: dict[str, dict[str, str]] = {}
    for image in saved:
        for name in image.names:
            top = image.record.layers[-1] if image.record.layers else image.record.id
            repositories.setdefault(name.familiar_name, {})[name.tag] = top.removeprefix("sha256:")
    documents: dict[str, object] = {
        "index.json": index,
        "manifest.json": docker,
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
    }
    if repositories:
        documents["repositories"] = repositories
    return {name: json.dumps(document, separators=(",", ":")).encode() for name, document in documents.items()}


def _described(image: _Saved, name: Reference | None) -> dict[str, object]:
    """Return an image's entry of the index, under one of its names."""
    if name is None:
        return encode_descriptor(image.manifest)
    annotations = (("io.containerd.image.name", str(name)), ("org.opencontainers.image.ref.name", name.tag))
    return encode_descriptor(replace(image.manifest, annotations=annotations))


def _blob_name(digest: str) -> str:
    return f"{_BLOBS}/{digest.removeprefix('sha256:')}"


def _header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.mode = size, kind, 0o755 if kind == tarfile.DIRTYPE else 0o644
    return info.tobuf(tarfile.GNU_FORMAT)  # sizes beyond 8 GiB, too


def _filling(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
