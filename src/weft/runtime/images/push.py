"""Pushes: a stored image to a registry."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from weft.engine.contract.images import Credentials, Progress
from weft.model.errors import NotFound, SystemFailure
from weft.model.image import ImageRecord
from weft.runtime.images.catalogue import Catalogue
from weft.runtime.images.compression import compression_of
from weft.runtime.images.configuration import image_id
from weft.runtime.images.endpoint import Endpoint, Endpoints
from weft.runtime.images.failure import complaint, push_failure
from weft.runtime.images.layers import Blob, LayerStore, file_digest
from weft.runtime.images.manifest import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    encode_manifest,
)
from weft.runtime.images.progress import Report, Row
from weft.runtime.images.reference import Reference
from weft.runtime.images.scratch import Scratch
from weft.runtime.images.skopeo import Skopeo, end
from weft.runtime.images.workers import Workers

_LAYOUT = "Directory Transport Version: 1.1\n"  # skopeo's `dir:`
_INTERVAL = 0.1  # seconds between two looks at how far skopeo has read


class Pusher:
    """Sends images on with the very archives they came as, so that a registry that has a layer knows it again."""

    def __init__(
        self,
        catalogue: Catalogue,
        layers: LayerStore,
        skopeo: Skopeo,
        endpoints: Endpoints,
        scratch: Scratch,
        workers: Workers,
    ) -> None:
        self._catalogue = catalogue
        self._layers = layers
        self._skopeo = skopeo
        self._endpoints = endpoints
        self._scratch = scratch
        self._workers = workers

    async def push(self, wanted: Reference, credentials: Credentials | None, report: Report) -> None:
        """Push one tag, or every tag of the repository if none is given; raises NotFound if it is not stored."""
        targets = self._catalogue.of_repository(wanted)
        if wanted.tag:
            targets = tuple(target for target in targets if target[0].tag == wanted.tag)
        if not targets:
            raise NotFound(f"An image does not exist locally with the tag: {wanted.familiar_name}")
        report(Progress(status=f"The push refers to repository [{wanted.name}]"))
        for reference, record in targets:
            await self._push_one(reference, record, credentials, report)

    async def _push_one(
        self, reference: Reference, record: ImageRecord, credentials: Credentials | None, report: Report
    ) -> None:
        rows = {diff_id: Row(diff_id, report) for diff_id in record.layers}
        for row in rows.values():
            row.say("Preparing")
        endpoint = await self._endpoints.push(reference)
        with self._layers.pinned(record.layers):
            manifest = await self._send(reference, record, endpoint, credentials, rows)
        digest = image_id(manifest)
        report(Progress(status=f"{reference.tag}: digest: {digest} size: {len(manifest)}"))
        report(Progress(aux={"Tag": reference.tag, "Digest": digest, "Size": len(manifest)}))

    async def _send(
        self,
        reference: Reference,
        record: ImageRecord,
        endpoint: Endpoint,
        credentials: Credentials | None,
        rows: dict[str, Row],
    ) -> bytes:
        """Send an image and return its manifest."""
        async with self._scratch.directory("push") as place:
            blobs = {diff_id: await self._compressed(diff_id) for diff_id in rows}
            manifest = self._lay_out(record, blobs, place)
            sending = _Sending({blobs[diff_id].digest: (row, blobs[diff_id].size) for diff_id, row in rows.items()})
            with self._skopeo.logged_in(endpoint, credentials) as auth:
                target = f"{endpoint.locate(reference)}:{reference.tag}"
                process = await self._skopeo.push(place, endpoint, target, auth)
                try:
                    await sending.watch(process, place)
                finally:
                    await end(process)
        return manifest

    async def _compressed(self, diff_id: str) -> Blob:
        """Return the layer's archive, compressed in a way that registries take; it stays so."""
        async with self._layers.lock(diff_id):
            blob = self._layers.blob(diff_id)
            compression = compression_of(blob.path)
            if compression in ("gzip", "zstd"):
                return blob
            async with self._scratch.directory("compress") as place:
                plain, packed = blob.path, place / "packed"
                if compression:
                    plain = place / "plain"
                    await _filter(compression, "-dcq", blob.path, plain)
                await _filter("gzip", "-nc", plain, packed)
                digest = await self._workers.run(lambda: file_digest(packed))
                return self._layers.replace_blob(diff_id, packed, digest)

    def _lay_out(self, record: ImageRecord, blobs: dict[str, Blob], place: Path) -> bytes:
        """Make skopeo's `dir:` of an image, and return its manifest."""
        configuration = self._catalogue.configuration(record.id)
        (place / "version").write_text(_LAYOUT)
        (place / record.id.removeprefix("sha256:")).write_bytes(configuration)
        packed = {}
        for blob in blobs.values():
            os.link(blob.path, place / blob.digest.removeprefix("sha256:"))
            packed[blob.digest] = compression_of(blob.path)
        oci = any(compression != "gzip" for compression in packed.values())  # Docker's own format knows nothing else
        config = Descriptor(record.id, len(configuration), OCI_CONFIG if oci else DOCKER_CONFIG)
        layers = []
        for diff_id in record.layers:
            blob = blobs[diff_id]
            kind = f"{OCI_LAYER}+{packed[blob.digest]}" if oci else DOCKER_LAYER
            layers.append(Descriptor(blob.digest, blob.size, kind))
        manifest = encode_manifest(OCI_MANIFEST if oci else DOCKER_MANIFEST, config, tuple(layers))
        (place / "manifest.json").write_bytes(manifest)
        return manifest


class _Sending:
    """Reads skopeo's account of a push; `rows` by the digest of the archive, with its bytes."""

    def __init__(self, rows: dict[str, tuple[Row, int]]) -> None:
        self._rows = rows
        self._open = set(rows)
        self._mounted: dict[str, str] = {}
        self._complaints: list[bytes] = []

    async def watch(self, process: asyncio.subprocess.Process, place: Path) -> None:
        """Report until skopeo ends; raises what push_failure makes of its complaint."""
        ticking = asyncio.create_task(self._tick(process.pid, place))
        try:
            stderr = process.stderr
            assert stderr is not None  # noqa: S101 - a pipe was asked for
            while line := await stderr.readline():
                self._read(line)
            await process.wait()
        except ValueError as error:  # a line beyond all limits
            raise SystemFailure("skopeo: unreadable output") from error
        finally:
            ticking.cancel()
            await asyncio.wait([ticking])
        if process.returncode != 0:
            raise push_failure(complaint(b"".join(self._complaints)))
        for digest in sorted(self._open):
            self._rows[digest][0].say("Pushed")

    def _read(self, line: bytes) -> None:
        if b"level=debug" not in line:
            self._complaints = [*self._complaints[-20:], line]
            return
        text = line.decode(errors="replace")
        for digest in tuple(self._open):
            row, size = self._rows[digest]
            if f"Upload of layer {digest} complete" in text:
                row.say("Pushing", size, size)
                row.say("Pushed")
            elif "Trying to mount" in text and digest.removeprefix("sha256:") in text:
                self._mounted[digest] = text.partition("from=")[2].partition("&")[0].replace("%2F", "/")
                continue
            elif f"Skipping blob {digest} (already present)" in text:
                origin = self._mounted.get(digest)
                row.say(f"Mounted from {origin}" if origin else "Layer already exists")
            else:
                continue
            self._open.discard(digest)

    async def _tick(self, pid: int, place: Path) -> None:
        """Report how far skopeo has read each archive that it holds open."""
        while True:
            await asyncio.sleep(_INTERVAL)
            for name, position in _positions(pid, place):
                digest = f"sha256:{name}"
                if digest in self._open:
                    row, size = self._rows[digest]
                    row.say("Pushing", position, size)


def _positions(pid: int, place: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and read offset (proc_pid_fdinfo(5)) of each file in `place` that a process has open."""
    try:
        for link in os.listdir(f"/proc/{pid}/fd"):
            path = Path(os.readlink(f"/proc/{pid}/fd/{link}"))
            if path.parent == place:
                facts = Path(f"/proc/{pid}/fdinfo/{link}").read_text()
                yield path.name, int(facts.split("pos:")[1].split()[0])
    except OSError:  # it ended, or closed the file meanwhile
        return


async def _filter(program: str, option: str, source: Path, target: Path) -> None:
    """Run a compressor from one file to another."""
    with source.open("rb") as input_file, target.open("xb") as output_file:
        process = await asyncio.create_subprocess_exec(program, option, stdin=input_file, stdout=output_file)
        try:
            code = await process.wait()
        finally:
            await end(process)
    if code != 0:
        raise SystemFailure(f"{program}: compressing a layer failed with code {code}")
