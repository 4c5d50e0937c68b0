"""Images and their history in lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from weft.cli.render import human
from weft.cli.render.columns import ellipsis
from weft.cli.render.fields import Json, number, text, texts
from weft.cli.render.listing import Cell, Row
from weft.cli.render.reference import Reference, parse_reference, short_id

NONE = "<none>"
YEAR_2000 = 946684800  # seconds; history entries before it have no date worth showing
TITLES = {
    "ID": "IMAGE ID",
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
    "Containers": "CONTAINERS",
    "VirtualSize": "SIZE",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
}
DEFAULT = ("Repository", "Tag", "ID", "CreatedSince", "Size")
WITH_DIGESTS = ("Repository", "Tag", "Digest", "ID", "CreatedSince", "Size")
DISK_USAGE = ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers")


class ImageRow(Row):
    """One name of an image of `GET /images/json`; `shorten` cuts ids."""

    kind = "image"

    def __init__(
        self, summary: Json, repository: str, tag: str, digest: str, *, shorten: bool = True, now: float | None = None
    ) -> None:
        self._summary = summary
        self._name = (repository, tag, digest)
        self._shorten = shorten
        self._now = now

    def cells(self) -> Mapping[str, Cell]:
        summary = self._summary
        size, shared = number(summary, "Size"), number(summary, "SharedSize", -1)
        containers = number(summary, "Containers", -1)
        return {
            "Containers": lambda: "N/A" if containers == -1 else str(containers),
            "CreatedAt": lambda: human.local_time(number(summary, "Created")),
            "CreatedSince": lambda: human.ago(number(summary, "Created"), self._now),
            "Digest": lambda: self._name[2],
            "ID": lambda: short_id(text(summary, "Id")) if self._shorten else text(summary, "Id"),
            "Repository": lambda: self._name[0],
            "SharedSize": lambda: "N/A" if shared == -1 else human.size(shared),
            "Size": lambda: human.size(size, 3),
            "Tag": lambda: self._name[1],
            "UniqueSize": lambda: "N/A" if shared == -1 else human.size(size - shared),
            "VirtualSize": lambda: human.size(size),
        }


def image_rows(
    images: Iterable[Json], *, digests: bool, by_digest: bool, shorten: bool = True, now: float | None = None
) -> list[ImageRow]:
    """Return a row for every name of every image.

    `digests` tells whether digests are shown at all, `by_digest` whether names without a tag get a row a digest.
    """
    rows = []
    for image in images:
        for repository, tag, digest in _names(image, digests=digests, by_digest=by_digest):
            rows.append(ImageRow(image, repository, tag, digest, shorten=shorten, now=now))
    return rows


def first_name(image: Json) -> tuple[str, str]:
    """Return (repository, tag) of an image's first tag."""
    tagged = [] if dangling(image) else [ref for ref in _references(texts(image, "RepoTags")) if ref.tag]
    return (tagged[0].name, tagged[0].tag) if tagged else (NONE, NONE)


def dangling(image: Json) -> bool:
    """Whether the image has no name."""
    tags, digests = texts(image, "RepoTags"), texts(image, "RepoDigests")
    return not (tags or digests) or (tags == ["<none>:<none>"] and digests == ["<none>@<none>"])


def _names(image: Json, *, digests: bool, by_digest: bool) -> list[tuple[str, str, str]]:
    if dangling(image):
        return [(NONE, NONE, NONE)]
    tags: dict[str, list[str]] = {}
    for reference in _references(texts(image, "RepoTags")):
        if reference.tag:
            tags.setdefault(reference.name, []).append(reference.tag)
    known: dict[str, list[str]] = {}
    for reference in _references(texts(image, "RepoDigests")):
        if reference.digest:
            known.setdefault(reference.name, []).append(reference.digest)
    names: list[tuple[str, str, str]] = []
    for repository, values in tags.items():
        own = known.pop(repository, [])
        for tag in values:
            names += [(repository, tag, digest) for digest in (own if digests and own else [NONE])]
    for repository, values in known.items():
        names += [(repository, NONE, digest) for digest in (values if by_digest else [""])]
    return names


def _references(names: Iterable[str]) -> list[Reference]:
    references = []
    for name in names:
        try:
            references.append(parse_reference(name))
        except ValueError:
            continue  # a name that this grammar does not know has no columns
    return references


HISTORY_TITLES = {
    "ID": "IMAGE",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
    "Size": "SIZE",
    "Comment": "COMMENT",
}
HISTORY = ("ID", "CreatedSince", "CreatedBy", "Size", "Comment")


class HistoryRow(Row):
    """A line of `GET /images/{name}/history`."""

    kind = "history"

    def __init__(self, item: Json, *, shorten: bool = True, readable: bool = True, now: float | None = None) -> None:
        self._item = item
        self._shorten = shorten
        self._readable = readable
        self._now = now

    def cells(self) -> Mapping[str, Cell]:
        item = self._item
        created = number(item, "Created")
        return {
            "Comment": lambda: text(item, "Comment"),
            "CreatedAt": lambda: human.rfc3339(created),
            "CreatedBy": self._created_by,
            "CreatedSince": lambda: self._since(created),
            "ID": lambda: short_id(text(item, "Id")) if self._shorten else text(item, "Id"),
            "Size": lambda: human.size(number(item, "Size"), 3) if self._readable else str(number(item, "Size")),
        }

    def _since(self, created: int) -> str:
        if not self._readable:
            return human.rfc3339(created)
        return "N/A" if created <= YEAR_2000 else human.ago(created, self._now)

    def _created_by(self) -> str:
        command = text(self._item, "CreatedBy").replace("\t", " ")
        return ellipsis(command, 45) if self._shorten else command
