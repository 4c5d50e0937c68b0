"""What `image rm` and `image prune` do, decided as Docker decides it (Engine API 1.51, ImageDelete and ImagePrune)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from weft.engine.contract.images import Deletion, ImageUse
from weft.model.errors import Conflict
from weft.model.ids import short_id
from weft.model.image import ImageRecord
from weft.runtime.images.reference import Reference, parse


@dataclass(frozen=True, slots=True)
class Removal:
    """The image as it is to be written, None if it is to be deleted; and the names that went, in order."""

    record: ImageRecord | None
    untagged: tuple[str, ...]

    @property
    def deletions(self) -> tuple[Deletion, ...]:
        """The names as Docker lists them."""
        return tuple(Deletion("Untagged", name) for name in self.untagged)


def remove_name(record: ImageRecord, name: Reference, text: str, uses: Sequence[ImageUse], *, force: bool) -> Removal:
    """Take one name away, and the image with the last. `text` is the name as the user wrote it.

    Raises Conflict if it is the only name of an image that a container uses.
    """
    if not force and _is_single_repository(record) and uses:
        raise Conflict(
            f'conflict: unable to remove repository reference "{text}" (must force) - container '
            f"{short_id(uses[0].container_id)} is using its referenced image {_short(record)}"
        )
    gone = f"{name.familiar_name}@{name.digest}" if name.digest else name.with_default_tag().familiar
    left = _without(record, (gone,))
    untagged = [gone]
    if not name.digest and not any(_repository(tag) == name.name for tag in left.tags):
        # What is left of this repository are digests, which nobody asked for by name.
        orphans = tuple(digest for digest in left.digests if _repository(digest) == name.name)
        left = _without(left, orphans)
        untagged.extend(orphans)
    if left.tags or left.digests or any(use.running for use in uses) or (uses and not force):
        return Removal(left, tuple(untagged))
    return Removal(None, tuple(untagged))


def remove_image(record: ImageRecord, uses: Sequence[ImageUse], *, force: bool) -> Removal:
    """Take an image away by its id, with all its names; raises Conflict as Docker words it."""
    single = _is_single_repository(record)
    running = next((use for use in uses if use.running), None)
    if running is not None:
        container = short_id(running.container_id)
        raise _conflict(record, "cannot be forced", f"image is being used by running container {container}")
    if not force and not single:
        raise _conflict(record, "must be forced", "image is referenced in multiple repositories")
    if not force and uses:
        container = short_id(uses[0].container_id)
        raise _conflict(record, "must be forced", f"image is being used by stopped container {container}")
    return Removal(None, (*record.tags, *record.digests))


def is_unused(record: ImageRecord, *, dangling: bool, labels: Sequence[str], without: Sequence[str]) -> bool:
    """Whether a prune takes the image, as far as its names and labels say."""
    if dangling and record.tags:
        return False
    return all(_has_label(record, label) for label in labels) and not any(
        _has_label(record, label) for label in without
    )


def _is_single_repository(record: ImageRecord) -> bool:
    """Whether all names are one tag at most, with digests of its repository only."""
    if len(record.tags) + len(record.digests) <= 1:
        return True
    if len(record.tags) > 1:
        return False
    repositories = {_repository(digest) for digest in record.digests}
    first = (*record.tags, *record.digests)[0]
    return repositories == {_repository(first)}


def _without(record: ImageRecord, names: Sequence[str]) -> ImageRecord:
    return replace(
        record,
        tags=tuple(tag for tag in record.tags if tag not in names),
        digests=tuple(digest for digest in record.digests if digest not in names),
    )


def _has_label(record: ImageRecord, label: str) -> bool:
    key, equals, value = label.partition("=")
    return key in record.config.labels and (not equals or record.config.labels[key] == value)


def _repository(name: str) -> str:
    return parse(name).name


def _short(record: ImageRecord) -> str:
    return short_id(record.id.removeprefix("sha256:"))


def _conflict(record: ImageRecord, how: str, why: str) -> Conflict:
    return Conflict(f"conflict: unable to delete {_short(record)} ({how}) - {why}")
