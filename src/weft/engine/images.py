"""Use cases of images: the store's, with events, and with what containers use kept."""

import fnmatch
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace

from weft.engine.contract.environment import Environment
from weft.engine.contract.images import Commit, Credentials, Distribution, Images, ImageUse, InUse, Progress
from weft.engine.events import EventBus
from weft.engine.inventory import Inventory
from weft.engine.label_filters import labels_match
from weft.engine.prune_filters import prune_test
from weft.engine.times import moment
from weft.model.container import MountType
from weft.model.errors import Conflict, InvalidParameter, NotFound
from weft.model.image import ImageRecord

Filters = Mapping[str, tuple[str, ...]]
Removed = tuple[tuple[str, str], ...]
_TRUE, _FALSE = ("true", "1"), ("false", "0")
_KEYS = {"dangling", "label", "before", "since", "reference", "until"}


class ImageService:
    """Implements weft.api.backend.ImageService."""

    def __init__(self, images: Images, inventory: Inventory, events: EventBus, environment: Environment) -> None:
        self._images = images
        self._inventory = inventory
        self._events = events
        self._environment = environment
        self._pruning = False
        self.list = images.list
        self.find = images.find
        self.ensure_builtin = images.ensure_builtin
        self.history = images.history
        self.verify_credentials = images.verify_credentials
        self.changed_config = images.changed_config
        self.commit_name = images.commit_name
        self.layer_directories = images.layer_directories
        self.layer_paths = images.layer_paths

    def in_use(self) -> InUse:
        """Return the containers of each image."""
        users: dict[str, list[ImageUse]] = defaultdict(list)
        for record in self._inventory.containers.values():
            users[record.image_id].append(ImageUse(record.id, record.state.is_running, record.layers))
            for mount in record.mounts:
                if mount.type is MountType.IMAGE:
                    users[mount.name].append(ImageUse(record.id, record.state.is_running, mount.layers))
        return {image_id: tuple(uses) for image_id, uses in users.items()}

    def containers_of(self, image_id: str) -> int:
        """Return how many containers, running or not, were made from the image."""
        return sum(record.image_id == image_id for record in self._inventory.containers.values())

    def filtered(self, filters: Filters, *, all: bool) -> tuple[ImageRecord, ...]:
        """Return the images that match, newest first (Engine API v1.51 ImageList). There are no intermediate images."""
        unknown = filters.keys() - _KEYS
        if unknown:
            raise InvalidParameter(f"invalid filter '{sorted(unknown)[0]}'")
        found = sorted(self._images.list(), key=lambda record: record.created, reverse=True)
        for key, values in filters.items():
            if values:
                found = [record for record in found if self._holds(record, key, values)]
        if patterns := filters.get("reference", ()):
            found = [_with_names(record, patterns) for record in found]
        return tuple(found)

    def _holds(self, record: ImageRecord, key: str, values: tuple[str, ...]) -> bool:
        match key:
            case "dangling":
                if values[0].lower() not in (*_TRUE, *_FALSE):
                    raise InvalidParameter(f"invalid filter 'dangling={values[0]}'")
                return (not record.tags) is (values[0].lower() in _TRUE)
            case "label":
                return labels_match(record.config.labels, values)
            case "before":
                return record.created < self._images.find(values[0]).created
            case "since":
                return record.created > self._images.find(values[0]).created
            case "until":
                return record.tagged < moment(values[0], self._environment.now())
        return any(_is_named(name, values) for name in (*record.tags, *record.digests))

    async def tag(self, source: str, repository: str, tag: str) -> ImageRecord:
        """Give an image one more name."""
        record = await self._images.tag(source, repository, tag)
        self._emit("tag", record.id, f"{repository}:{tag or 'latest'}")
        return record

    async def commit(self, parent: str, layer: AsyncIterator[bytes], commit: Commit) -> ImageRecord:
        """Make an image of another's layers and one more."""
        record = await self._images.commit(parent, layer, commit)
        self._emit("create", record.id, record.id)
        return record

    async def delete(self, reference: str, *, force: bool, prune: bool) -> Removed:
        """Untag or delete; return ("Untagged", reference) and ("Deleted", id) in order."""
        image_id = self._images.find(reference).id
        done = await self._images.remove(reference, force=force, prune=prune, in_use=self.in_use())
        return self._told(image_id, tuple((each.kind, each.name) for each in done))

    def _told(self, image_id: str, removed: Removed) -> Removed:
        for kind, name in removed:
            action = "untag" if kind == "Untagged" else "delete"
            self._emit(action, image_id if action == "untag" else name, name)
        return removed

    async def prune_unused(self, filters: Filters) -> tuple[Removed, int]:
        """Remove dangling images, or with the filter dangling=false all that no container uses."""
        now = self._environment.now()
        prune_test(filters, now, also=frozenset({"dangling"}))
        if self._pruning:
            raise Conflict("a prune operation is already running")
        self._pruning = True
        dangling = not any(value.lower() in _FALSE for value in filters.get("dangling", ()))
        until = filters.get("until", ())
        try:
            done, reclaimed = await self._images.prune(
                dangling=dangling,
                in_use=self.in_use(),
                until=moment(until[0], now) if until else 0,
                labels=filters.get("label", ()),
                without=filters.get("label!", ()),
            )
        finally:
            self._pruning = False
        removed = self._told("", tuple((each.kind, each.name) for each in done))
        self._events.emit("image", "prune", "", {"reclaimed": str(reclaimed)})
        return removed, reclaimed

    async def pull(
        self, reference: str, credentials: Credentials | None, platform: str, *, all_tags: bool = False
    ) -> AsyncIterator[Progress]:
        """Fetch an image, or all of a repository."""
        async with aclosing(self._images.pull(reference, credentials, platform, all_tags=all_tags)) as stream:
            async for line in stream:
                yield line
        self._emit("pull", reference, reference)

    async def distribution(self, reference: str, credentials: Credentials | None) -> Distribution:
        """Return what the registry has under a name, without fetching it."""
        return await self._images.distribution(reference, credentials)

    async def push(self, reference: str, credentials: Credentials | None) -> AsyncIterator[Progress]:
        """Send an image to its registry."""
        async with aclosing(self._images.push(reference, credentials)) as stream:
            async for line in stream:
                yield line
        self._emit("push", reference, reference)

    async def load(self, archive: AsyncIterator[bytes], *, quiet: bool) -> AsyncIterator[Progress]:
        """Take images from an archive."""
        before = {record.id for record in self._images.list()}
        async with aclosing(self._images.load(archive, quiet=quiet)) as stream:
            async for line in stream:
                yield line
        for record in self._images.list():
            if record.id not in before:
                self._emit("load", record.id, record.id)

    async def save(self, references: tuple[str, ...]) -> AsyncIterator[bytes]:
        """Yield an archive of images."""
        async with aclosing(self._images.save(references)) as stream:
            async for piece in stream:
                yield piece
        for reference in references:
            for image_id in self._saved(reference):
                self._emit("save", image_id, image_id)

    def _saved(self, reference: str) -> tuple[str, ...]:
        """Return the ids behind a name: of a repository without `latest`, those of all its tags."""
        try:
            return (self._images.find(reference).id,)
        except NotFound:
            return tuple(record.id for record in self.filtered({"reference": (reference,)}, all=True))

    async def import_(
        self,
        archive: AsyncIterator[bytes],
        *,
        repository: str,
        tag: str,
        message: str,
        changes: tuple[str, ...],
        platform: str = "",
    ) -> AsyncIterator[Progress]:
        """Make a one-layer image of a root file system's tar."""
        imported = self._images.import_(
            archive, repository=repository, tag=tag, message=message, changes=changes, platform=platform
        )
        async with aclosing(imported) as stream:
            async for line in stream:
                yield line
                if line.status.startswith("sha256:"):
                    self._emit("import", line.status, line.status)

    def _emit(self, action: str, image_id: str, name: str) -> None:
        self._events.emit("image", action, image_id, {"name": name})


def _with_names(record: ImageRecord, patterns: tuple[str, ...]) -> ImageRecord:
    """A list by reference shows the names that match, not the others of the same image."""
    tags = tuple(name for name in record.tags if _is_named(name, patterns))
    return replace(record, tags=tags, digests=tuple(name for name in record.digests if _is_named(name, patterns)))


def _is_named(name: str, patterns: tuple[str, ...]) -> bool:
    repository = name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
    return any(_fits(text, pattern) for pattern in patterns for text in (name, repository))


def _fits(text: str, pattern: str) -> bool:
    """As Go's path.Match: no wildcard stands for a slash."""
    parts, wanted = text.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
