"""The image store: what the engine and the API see of everything in this folder."""

import hashlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

from weft.engine.contract.images import Commit, Credentials, Deletion, Distribution, InUse, Progress
from weft.engine.contract.records import Store
from weft.model.errors import InvalidParameter, SystemFailure
from weft.model.image import ImageConfig, ImageRecord
from weft.runtime.images.builtin import find_busybox, is_builtin_repository
from weft.runtime.images.catalogue import Catalogue
from weft.runtime.images.changes import apply_changes
from weft.runtime.images.committing import Committer
from weft.runtime.images.distribution import Inspector
from weft.runtime.images.endpoint import Endpoints
from weft.runtime.images.failure import Unreachable, registry_failure
from weft.runtime.images.fetch import Fetcher
from weft.runtime.images.history import image_history, nanoseconds
from weft.runtime.images.importing import Importer, ImportRequest
from weft.runtime.images.layers import LayerStore
from weft.runtime.images.load import Loader
from weft.runtime.images.platform import parse_platform
from weft.runtime.images.progress import Report, stream
from weft.runtime.images.pull import Puller
from weft.runtime.images.push import Pusher
from weft.runtime.images.reference import Reference, parse
from weft.runtime.images.removal import Removal, is_unused, remove_image, remove_name
from weft.runtime.images.save import Saver
from weft.runtime.images.scratch import Scratch
from weft.runtime.images.skopeo import Skopeo, SkopeoError, registry_host
from weft.runtime.images.workers import Workers

_PATIENCE = 10.0  # seconds for a registry's first answer, where the built-in image can stand in


class ImageStore:
    """Implements weft.engine.contract.images.Images under `data_root`: images/ and layers/.

    Make one inside the running daemon, once; whatever a killed one left half-made is removed then.
    """

    def __init__(
        self,
        data_root: Path,
        store: Store,
        records: Iterable[ImageRecord],
        *,
        clock: Callable[[], int] = time.time_ns,
        mirrors: tuple[str, ...] = (),
        insecure: tuple[str, ...] = (),
        downloads: int = 3,
    ) -> None:
        """`clock` returns nanoseconds since the epoch, `downloads` bounds layers fetched at a time for one image.

        Raises InvalidParameter for malformed mirrors and registries, OSError if the directories cannot be made.
        """
        images = data_root / "images"
        self._endpoints = Endpoints(mirrors, insecure)
        self._catalogue = Catalogue(images, store, records)
        self._scratch = Scratch(images / "work")
        self._workers = Workers()
        self._layers = LayerStore(data_root / "layers", images / "blobs", self._scratch, self._workers)
        self._skopeo = Skopeo(images / "work")
        self._skopeo.prepare()
        shared = (self._catalogue, self._layers)
        fetcher = Fetcher(*shared, self._skopeo, self._scratch, self._workers, downloads)
        self._puller = Puller(self._catalogue, fetcher, self._skopeo, self._endpoints, clock)
        self._inspector = Inspector(self._skopeo, self._endpoints)
        self._pusher = Pusher(*shared, self._skopeo, self._endpoints, self._scratch, self._workers)
        self._loader = Loader(*shared, self._scratch, self._workers, clock)
        self._saver = Saver(*shared, self._scratch, self._workers)
        self._importer = Importer(*shared, self._scratch, self._workers, clock)
        self._committer = Committer(*shared, self._scratch, self._workers, clock)
        self._clock = clock
        self._catalogue.sweep()
        self._layers.sweep()

    def set_registries(self, mirrors: tuple[str, ...], insecure: tuple[str, ...]) -> None:
        """Use other mirrors and insecure registries from the next request on; raises InvalidParameter."""
        self._endpoints.configure(mirrors, insecure)

    def close(self) -> None:
        """End the threads once they are idle."""
        self._workers.close()

    def list(self) -> tuple[ImageRecord, ...]:
        """Return every image, newest first."""
        return self._catalogue.all()

    def find(self, reference: str) -> ImageRecord:
        """Return the image; raises NotFound `No such image: X` and InvalidParameter `invalid reference format`."""
        return self._catalogue.find(reference)

    async def ensure_builtin(self, reference: str) -> bool:
        """Make the built-in image if `reference` names it and it is not stored; return whether it is there now.

        Asks no registry. A reference that is none is not the built-in image's.
        """
        try:
            wanted = parse(reference).with_default_tag()
        except InvalidParameter:
            return False
        if not is_builtin_repository(wanted):
            return False
        if self._catalogue.named(wanted) is None:
            busybox = await find_busybox(wanted)
            if busybox is None:
                return False
            await self._importer.make(busybox, wanted)
        return True

    async def history(self, reference: str) -> tuple[dict[str, object], ...]:
        """Return the image's history, newest first, in the API's words."""
        return image_history(self.find(reference))

    async def tag(self, source: str, repository: str, tag: str) -> ImageRecord:
        """Give an image a further name; raises InvalidParameter for names that are none."""
        record = self.find(source)
        target = parse(repository)
        if target.digest:
            raise InvalidParameter("refusing to create a tag with a digest reference")
        target = target.tagged(tag) if tag else target.with_default_tag()
        return self._catalogue.name(record.id, target, now=self._clock())

    async def remove(self, reference: str, *, force: bool, prune: bool, in_use: InUse) -> tuple[Deletion, ...]:
        """Untag or delete an image; `prune` concerns untagged parents, which images here never have."""
        record = self.find(reference)
        uses = in_use.get(record.id, ())
        if self._catalogue.is_id(reference, record):
            removal = remove_image(record, uses, force=force)
        else:
            removal = remove_name(record, parse(reference), reference, uses, force=force)
        deletions, _ = await self._perform([(record, removal)], in_use)
        return deletions

    async def prune(
        self, *, dangling: bool, in_use: InUse, until: int, labels: tuple[str, ...], without: tuple[str, ...]
    ) -> tuple[tuple[Deletion, ...], int]:
        """Remove images that no container uses; return what was done and the bytes reclaimed."""
        doomed = []
        for record in self._catalogue.all():
            young = until > 0 and nanoseconds(record.created) > until
            unused = is_unused(record, dangling=dangling, labels=labels, without=without)
            if unused and not young and not in_use.get(record.id):
                doomed.append((record, Removal(None, (*record.tags, *record.digests))))
        return await self._perform(doomed, in_use)

    async def collect(self, in_use: InUse) -> None:
        """Delete layers that neither an image nor a container names."""
        await self._collect(in_use)

    def pull(
        self, reference: str, credentials: Credentials | None, platform: str, *, all_tags: bool = False
    ) -> AsyncGenerator[Progress, None]:
        """Yield the progress of a pull; what is not found is raised before the first line, in Docker's words."""
        return stream(lambda report: self._pull(reference, credentials, platform, report, all_tags))

    def push(self, reference: str, credentials: Credentials | None) -> AsyncGenerator[Progress, None]:
        """Yield the progress of a push; the last line of each tag carries its digest in `aux`."""
        return stream(lambda report: self._push(reference, credentials, report))

    def load(self, archive: AsyncIterator[bytes], *, quiet: bool) -> AsyncGenerator[Progress, None]:
        """Yield the progress of a load, and what was loaded in `stream`."""
        return stream(lambda report: self._loader.load(archive, report, quiet=quiet))

    def save(self, references: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
        """Yield a docker-archive that is an OCI image layout too."""
        return self._saver.save(references)

    def import_(
        self,
        archive: AsyncIterator[bytes],
        *,
        repository: str,
        tag: str,
        message: str,
        changes: tuple[str, ...],
        platform: str = "",
    ) -> AsyncGenerator[Progress, None]:
        """Yield the id of the one-layer image made of a root file system; `repository` "" leaves it unnamed."""
        name: Reference | None = None
        if repository:
            name = parse(repository)
            name = name.tagged(tag) if tag else name.with_default_tag()
            if name.digest:
                raise InvalidParameter("cannot import digest reference")
        request = ImportRequest(name=name, message=message, changes=changes, platform=parse_platform(platform))
        return stream(lambda report: self._importer.import_(archive, request, report))

    def changed_config(self, config: ImageConfig, changes: tuple[str, ...]) -> ImageConfig:
        """Return the configuration with instructions applied; raises InvalidParameter for a malformed one."""
        return apply_changes(config, changes)

    def commit_name(self, repository: str, tag: str) -> str:
        """Return the name that a commit gets, "" for none; raises InvalidParameter."""
        if not repository:
            return ""
        name = parse(repository)
        if name.digest:
            raise InvalidParameter("cannot commit to digest reference")
        return (name.tagged(tag) if tag else name.with_default_tag()).familiar

    async def commit(self, parent: str, layer: AsyncIterator[bytes], commit: Commit) -> ImageRecord:
        """Store an image of `parent`'s layers and one more; raises NotFound without the parent."""
        return await self._committer.commit(self.find(parent), layer, commit)

    async def verify_credentials(self, credentials: Credentials) -> str:
        """Log in to the registry that `credentials.server` names; return Docker's `Login Succeeded`."""
        endpoint = await self._endpoints.registry(registry_host(credentials.server))
        with self._skopeo.logged_in(endpoint, None) as auth:
            try:
                await self._skopeo.login(endpoint, credentials, auth)
            except SkopeoError as error:
                raise registry_failure(str(error)) from None
        return "Login Succeeded"

    async def distribution(self, reference: str, credentials: Credentials | None) -> Distribution:
        """Return what the registry has under a name, without fetching it."""
        return await self._inspector.inspect(parse(reference).with_default_tag(), credentials)

    def layer_directories(self, diff_ids: tuple[str, ...]) -> tuple[str, ...]:
        """Return the unpacked layers' directories, lowest first; raises SystemFailure if one is not there."""
        for diff_id in diff_ids:
            if not self._layers.has(diff_id):
                raise SystemFailure(f"layer {diff_id} is missing from the data root: pull the image again")
        return tuple(os.fspath(self._layers.directory(diff_id)) for diff_id in diff_ids)

    def layer_paths(self, image_id: str) -> tuple[str, ...]:
        """Return the directories of an image's layers, lowest first."""
        return self.layer_directories(self.find(image_id).layers)

    async def _pull(
        self, reference: str, credentials: Credentials | None, platform: str, report: Report, all_tags: bool
    ) -> None:
        wanted = parse(reference).with_default_tag()
        asked = parse_platform(platform) if platform else None
        busybox = await find_busybox(wanted)
        try:
            patience = _PATIENCE if busybox is not None else None
            await self._puller.pull(wanted, credentials, asked, report, all_tags=all_tags, patience=patience)
        except Unreachable as error:
            if busybox is None or (asked is not None and not asked.accepts(parse_platform(""))):
                raise
            known = self._catalogue.named(wanted)
            if known is None:
                await self._importer.make(busybox, wanted)
            report(Progress(status=f"No registry can be reached ({error.message})"))
            report(Progress(status=f"Using the built-in image made of busybox-static {busybox.version}"))
            news = "Image is up to date for" if known is not None else "Downloaded newer image for"
            report(Progress(status=f"Status: {news} {wanted.familiar}"))

    async def _push(self, reference: str, credentials: Credentials | None, report: Report) -> None:
        wanted = parse(reference)
        if wanted.digest:
            raise InvalidParameter("cannot push a digest reference")
        await self._pusher.push(wanted, credentials, report)

    async def _perform(
        self, removals: Sequence[tuple[ImageRecord, Removal]], in_use: InUse
    ) -> tuple[tuple[Deletion, ...], int]:
        """Write removals down at once, then delete what is left over."""
        deletions: list[Deletion] = []
        sizes: dict[str, int] = {}
        chains: dict[str, str] = {}
        for record, removal in removals:
            deletions.extend(removal.deletions)
            if removal.record is not None:
                self._catalogue.write(removal.record)
                continue
            self._catalogue.delete(record.id)
            deletions.append(Deletion("Deleted", record.id))
            sizes |= dict(zip(record.layers, record.layer_sizes, strict=True))
            chains |= _chain_ids(record.layers)
        gone = await self._collect(in_use)
        deletions.extend(Deletion("Deleted", chains[diff_id]) for diff_id in reversed(gone) if diff_id in chains)
        return tuple(deletions), sum(sizes.get(diff_id, 0) for diff_id in gone)

    async def _collect(self, in_use: InUse) -> tuple[str, ...]:
        held = {layer for uses in in_use.values() for use in uses for layer in use.layers}
        return await self._layers.drop(self._layers.stored() - self._catalogue.layers() - held)


def _chain_ids(layers: tuple[str, ...]) -> dict[str, str]:
    """Return each layer's chain id (OCI image-spec 1.1, config.md), by which Docker lists deleted layers."""
    chains: dict[str, str] = {}
    above = ""
    for layer in layers:
        above = "sha256:" + hashlib.sha256(f"{above} {layer}".encode()).hexdigest() if above else layer
        chains[layer] = above
    return chains
