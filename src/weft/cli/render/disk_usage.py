"""`weft system df`: what images, containers, volumes and the build cache take."""

from __future__ import annotations

from collections.abc import Mapping

from weft.cli.render import human
from weft.cli.render.fields import Json, flag, inner, items, number, text
from weft.cli.render.listing import Cell, Row

TITLES = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}
DEFAULT = ("Type", "TotalCount", "Active", "Size", "Reclaimable")
_ACTIVE = ("running", "paused", "restarting")


class UsageRow(Row):
    """One kind of object. Sizes in bytes."""

    kind = "disk usage"

    def __init__(self, name: str, *, total: int, active: int, size: int, reclaimable: int, percent: bool) -> None:
        self._name = name
        self._total = total
        self._active = active
        self._size = size
        self._reclaimable = reclaimable
        self._percent = percent

    def cells(self) -> Mapping[str, Cell]:
        return {
            "Active": lambda: str(self._active),
            "Reclaimable": self._share,
            "Size": lambda: human.size(self._size),
            "TotalCount": lambda: str(self._total),
            "Type": lambda: self._name,
        }

    def _share(self) -> str:
        shown = human.size(self._reclaimable)
        if not self._percent or self._size <= 0:
            return shown
        return f"{shown} ({self._reclaimable * 100 // self._size}%)"


def usage_rows(usage: Json) -> list[UsageRow]:
    """Return the rows of an answer of `GET /system/df`."""
    return [_images(usage), _containers(usage), _volumes(usage), _build_cache(usage)]


def _images(usage: Json) -> UsageRow:
    images = items(usage, "Images")
    total = number(usage, "LayersSize")
    used = 0
    for image in images:
        size, shared = number(image, "Size", -1), number(image, "SharedSize", -1)
        if number(image, "Containers") and -1 not in (size, shared):
            used += size - shared
    active = sum(number(image, "Containers") > 0 for image in images)
    return UsageRow("Images", total=len(images), active=active, size=total, reclaimable=total - used, percent=True)


def _containers(usage: Json) -> UsageRow:
    containers = items(usage, "Containers")
    active = [text(container, "State") in _ACTIVE for container in containers]
    sizes = [number(container, "SizeRw") for container in containers]
    reclaimable = sum(size for size, running in zip(sizes, active, strict=True) if not running)
    return UsageRow(
        "Containers",
        total=len(containers),
        active=sum(active),
        size=sum(sizes),
        reclaimable=reclaimable,
        percent=True,
    )


def _volumes(usage: Json) -> UsageRow:
    known = [inner(volume, "UsageData") for volume in items(usage, "Volumes")]
    sized = [item for item in known if number(item, "Size", -1) != -1]
    return UsageRow(
        "Local Volumes",
        total=len(known),
        active=sum(number(item, "RefCount") > 0 for item in known),
        size=sum(number(item, "Size") for item in sized),
        reclaimable=sum(number(item, "Size") for item in sized if number(item, "RefCount") == 0),
        percent=True,
    )


def _build_cache(usage: Json) -> UsageRow:
    cache = items(usage, "BuildCache")
    own = sum(number(item, "Size") for item in cache if not flag(item, "Shared"))
    used = sum(number(item, "Size") for item in cache if flag(item, "InUse") and not flag(item, "Shared"))
    return UsageRow(
        "Build Cache",
        total=len(cache),
        active=sum(flag(item, "InUse") for item in cache),
        size=own,
        reclaimable=own - used,
        percent=False,
    )
