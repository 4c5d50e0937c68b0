"""Loads image archives: docker-archive (`docker save`) and OCI image layouts (image-spec 1.1, image-layout.md)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from weft.engine.contract.images import Progress
from weft.model.errors import InvalidParameter
from weft.model.image import ImageRecord
from weft.runtime.images.archive import Archive, decompress, receive
from weft.runtime.images.catalogue import Catalogue
from weft.runtime.images.configuration import image_id, parse_configuration
from weft.runtime.images.layers import LayerStore
from weft.runtime.images.manifest import Descriptor, ManifestList, parse_manifest
from weft.runtime.images.platform import host_platform
from weft.runtime.images.progress import Report, Row, report_while
from weft.runtime.images.reference import Reference, parse
from weft.runtime.images.scratch import Scratch
from weft.runtime.images.unpacking import Unpacking
from weft.runtime.images.workers import Workers

_NAME = "io.containerd.image.name"
_REF_NAME = "org.opencontainers.image.ref.name"


class _DockerEntry(msgspec.Struct, rename="pascal"):
    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One image of an archive; `layers` are names of members."""

    configuration: bytes
    layers: tuple[str, ...]
    names: tuple[Reference, ...]


class Loader:
    """Stores the images of archives."""

    def __init__(
        self,
        catalogue: Catalogue,
        layers: LayerStore,
        scratch: Scratch,
        workers: Workers,
        clock: Callable[[], int],
    ) -> None:
        self._catalogue = catalogue
        self._layers = layers
        self._scratch = scratch
        self._workers = workers
        self._clock = clock

    async def load(self, stream: AsyncIterator[bytes], report: Report, *, quiet: bool) -> None:
        """Store every image of an archive; raises InvalidParameter if it is malformed."""
        async with self._scratch.directory("load") as place:
            await receive(stream, place / "archive", self._workers)
            path = await decompress(place / "archive", place / "archive.tar", self._workers)
            archive = await self._workers.run(lambda: Archive(path))
            try:
                # All of them are read before the first is stored: a malformed archive changes nothing.
                entries = await self._workers.run(lambda: _entries(archive))
                for entry in entries:
                    await self._load(archive, entry, place, report, quiet=quiet)
            finally:
                archive.close()

    async def _load(self, archive: Archive, entry: _Entry, place: Path, report: Report, *, quiet: bool) -> None:
        record = parse_configuration(entry.configuration)
        if len(record.layers) != len(entry.layers):
            raise InvalidParameter(
                f"invalid manifest, layers length mismatch: expected {len(record.layers)}, got {len(entry.layers)}"
            )
        async with self._layers.admission(record.layers, self._catalogue.layers):
            for diff_id, member in zip(record.layers, entry.layers, strict=True):
                row = None if quiet else Row(diff_id, report)
                async with self._layers.lock(diff_id):
                    await self._load_layer(archive, member, diff_id, place, row)
            sizes = [await self._layers.size(diff_id) for diff_id in record.layers]
            record = self._catalogue.add(replace(record, layer_sizes=tuple(sizes)), entry.configuration)
        for name in entry.names:
            self._name(record, name, report)
        if not entry.names:
            report(Progress(stream=f"Loaded image ID: {record.id}\n"))

    async def _load_layer(self, archive: Archive, member: str, diff_id: str, place: Path, row: Row | None) -> None:
        if self._layers.has(diff_id):
            return
        size = archive.size(member)
        target = place / diff_id.removeprefix("sha256:")
        await self._workers.run(lambda: archive.copy_out(member, target))
        unpackings: list[Unpacking] = []
        adding = self._layers.add(target, diff_id, watch=unpackings.append)
        if row is None:
            await adding
            return
        await report_while(adding, lambda: row.say("Loading layer", unpackings[0].position if unpackings else 0, size))
        row.say("Loading layer", size, size)

    def _name(self, record: ImageRecord, name: Reference, report: Report) -> None:
        before = self._catalogue.named(name)
        if before is not None and before.id != record.id:
            old = f"The image {name.familiar} already exists, renaming the old one with ID {before.id} to empty string"
            report(Progress(stream=old + "\n"))
        self._catalogue.name(record.id, name, now=self._clock())
        report(Progress(stream=f"Loaded image: {name.familiar}\n"))


def _entries(archive: Archive) -> tuple[_Entry, ...]:
    if "manifest.json" in archive:
        return _docker_entries(archive)
    if "index.json" in archive:
        return _oci_entries(archive)
    if "repositories" in archive:
        raise InvalidParameter("invalid archive: images saved by Docker before 1.10 are not supported: save it again")
    raise InvalidParameter("invalid archive: does not contain a manifest.json")


def _docker_entries(archive: Archive) -> tuple[_Entry, ...]:
    try:
        manifest = msgspec.json.decode(archive.document("manifest.json"), type=list[_DockerEntry])
    except msgspec.MsgspecError as error:
        raise InvalidParameter(f"invalid archive: manifest.json: {error}") from error
    return tuple(
        _Entry(
            archive.document(entry.config),
            tuple(entry.layers),
            tuple(parse(tag).with_default_tag() for tag in entry.repo_tags or ()),
        )
        for entry in manifest
    )


def _oci_entries(archive: Archive) -> tuple[_Entry, ...]:
    index = parse_manifest(archive.document("index.json"))
    if not isinstance(index, ManifestList):
        raise InvalidParameter("invalid archive: index.json is not an image index")
    merged: dict[str, _Entry] = {}
    for descriptor in index.manifests:
        entry = _oci_entry(archive, descriptor)
        key = image_id(entry.configuration)
        known = merged.get(key)
        merged[key] = entry if known is None else replace(known, names=(*known.names, *entry.names))
    return tuple(merged.values())


def _oci_entry(archive: Archive, descriptor: Descriptor) -> _Entry:
    manifest = parse_manifest(_blob(archive, descriptor.digest))
    if isinstance(manifest, ManifestList):
        manifest = parse_manifest(_blob(archive, manifest.choose(host_platform()).digest))
    if isinstance(manifest, ManifestList):
        raise InvalidParameter(f"invalid archive: {descriptor.digest} is a list of lists")
    layers = tuple(_blob_name(layer.digest) for layer in manifest.layers)
    return _Entry(_blob(archive, manifest.config.digest), layers, _oci_names(dict(descriptor.annotations)))


def _oci_names(annotations: dict[str, str]) -> tuple[Reference, ...]:
    """Return the name an archive gives an image; a bare tag, which is all that some write, names no repository."""
    text = annotations.get(_NAME) or annotations.get(_REF_NAME, "")
    if ":" not in text and "/" not in text:
        return ()
    return (parse(text).with_default_tag(),)


def _blob(archive: Archive, digest: str) -> bytes:
    raw = archive.document(_blob_name(digest))
    if image_id(raw) != digest:
        raise InvalidParameter(f"invalid archive: {digest} is damaged")
    return raw


def _blob_name(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"
