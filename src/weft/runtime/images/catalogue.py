"""The images that are stored, and the names they go by."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from weft.engine.contract.records import Delete, Put, Store
from weft.model.errors import InvalidParameter, NotFound, SystemFailure
from weft.model.image import ImageRecord
from weft.runtime.images.configuration import image_id
from weft.runtime.images.reference import Reference, parse

_HEX = re.compile(r"[0-9a-f]{1,64}")


class Catalogue:
    """Image records, written through to the store; their configurations, byte for byte, lie in `directory`."""

    def __init__(self, directory: Path, store: Store, records: Iterable[ImageRecord]) -> None:
        self._directory = directory
        self._store = store
        self._records = {record.id: record for record in records}
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def all(self) -> tuple[ImageRecord, ...]:
        """Return every image, newest first."""
        return tuple(sorted(self._records.values(), key=lambda record: (record.created, record.tagged), reverse=True))

    def get(self, image: str) -> ImageRecord | None:
        """Return the image of that id, or None."""
        return self._records.get(image)

    def named(self, reference: Reference) -> ImageRecord | None:
        """Return the image that a tag or, where it has one, a digest stands for."""
        if reference.digest:
            name = f"{reference.familiar_name}@{reference.digest}"
            return next((record for record in self._records.values() if name in record.digests), None)
        name = reference.with_default_tag().familiar
        return next((record for record in self._records.values() if name in record.tags), None)

    def find(self, text: str) -> ImageRecord:
        """Return the image by id, name, digest or id prefix; raises NotFound or InvalidParameter in Docker's words."""
        digits = text.removeprefix("sha256:")
        if record := self._records.get(f"sha256:{digits}"):
            return record
        try:
            reference = parse(text)
        except InvalidParameter:
            if len(digits) == 64 and _HEX.fullmatch(digits):
                raise NotFound(f"No such image: {text}") from None
            raise
        if not text.startswith("sha256:") and (record := self.named(reference)):
            return record
        if record := self._by_prefix(digits):
            return record
        shown = text if text.startswith("sha256:") else reference.with_default_tag().familiar
        raise NotFound(f"No such image: {shown}")

    def is_id(self, text: str, record: ImageRecord) -> bool:
        """Whether `text` names the image by its id or a prefix of it, not by one of its names."""
        digits = text.removeprefix("sha256:")
        if not _HEX.fullmatch(digits) or not record.id.removeprefix("sha256:").startswith(digits):
            return False
        return text.startswith("sha256:") or len(digits) == 64 or self.named(parse(text)) is None

    def of_repository(self, repository: Reference) -> tuple[tuple[Reference, ImageRecord], ...]:
        """Return every tag of a repository with its image."""
        found = []
        for record in self._records.values():
            for tag in record.tags:
                reference = parse(tag)
                if reference.name == repository.name:
                    found.append((reference, record))
        return tuple(sorted(found, key=lambda pair: pair[0].tag))

    def configuration(self, image: str) -> bytes:
        """Return the configuration as it came; raises SystemFailure if its file is gone or another."""
        path = self._path(image)
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise SystemFailure(f"image {image}: {path}: {error.strerror}: remove the image, pull it again") from error
        if image_id(raw) != image:
            raise SystemFailure(f"image {image}: {path} is damaged: remove the image, pull it again")
        return raw

    def add(self, record: ImageRecord, configuration: bytes) -> ImageRecord:
        """Store a new image, or return the stored one of that id; names are given by `name`."""
        if known := self._records.get(record.id):
            return known
        path = self._path(record.id)
        partial = path.with_suffix(".partial")
        partial.write_bytes(configuration)
        partial.rename(path)
        self.write(record)
        return record

    def name(self, image: str, reference: Reference, *, digest: str = "", now: int) -> ImageRecord:
        """Give an image a tag, taken from whichever has it, and a repository digest where one is known."""
        record = self._records[image]
        changed: list[ImageRecord] = []
        tags, digests = record.tags, record.digests
        if reference.tag and reference.familiar not in tags:
            changed.extend(
                replace(other, tags=tuple(tag for tag in other.tags if tag != reference.familiar))
                for other in self._records.values()
                if reference.familiar in other.tags
            )
            tags = (*tags, reference.familiar)
        if digest:
            name = f"{reference.familiar_name}@{digest}"
            digests = digests if name in digests else (*digests, name)
        if (tags, digests) != (record.tags, record.digests):
            record = replace(record, tags=tags, digests=digests, tagged=now)
            changed.append(record)
        self.write(*changed)
        return record

    def write(self, *records: ImageRecord) -> None:
        """Replace records, all in one transaction."""
        if records:
            self._store.commit(*(Put(record) for record in records))
            self._records.update((record.id, record) for record in records)

    def delete(self, image: str) -> None:
        """Forget an image and its configuration."""
        self._store.commit(Delete(ImageRecord, image))
        self._records.pop(image, None)
        self._path(image).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete configurations that no record names: a killed daemon may have left some."""
        for path in self._directory.glob("*.json"):
            if f"sha256:{path.stem}" not in self._records:
                path.unlink()
        for path in self._directory.glob("*.partial"):
            path.unlink()

    def layers(self) -> set[str]:
        """Return the diff ids that images name."""
        return {layer for record in self._records.values() for layer in record.layers}

    def _by_prefix(self, digits: str) -> ImageRecord | None:
        if not _HEX.fullmatch(digits):
            return None
        found = [record for key, record in self._records.items() if key.startswith(f"sha256:{digits}")]
        return found[0] if len(found) == 1 else None

    def _path(self, image: str) -> Path:
        return self._directory / f"{image.removeprefix('sha256:')}.json"
