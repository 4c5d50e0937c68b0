"""Volumes in lists."""

from __future__ import annotations

from collections.abc import Mapping

from weft.cli.render import human
from weft.cli.render.fields import Json, inner, labels, number, text
from weft.cli.render.listing import Cell, Row, joined_labels

TITLES = {
    "Availability": "AVAILABILITY",
    "Driver": "DRIVER",
    "Group": "GROUP",
    "Labels": "LABELS",
    "Links": "LINKS",
    "Mountpoint": "MOUNTPOINT",
    "Name": "VOLUME NAME",
    "Scope": "SCOPE",
    "Size": "SIZE",
    "Status": "STATUS",
}
DEFAULT = ("Driver", "Name")
DISK_USAGE = ("Name", "Links", "Size")


class VolumeRow(Row):
    """A volume of `GET /volumes` or `GET /system/df`."""

    kind = "volume"

    def __init__(self, volume: Json) -> None:
        self._volume = volume

    def cells(self) -> Mapping[str, Cell]:
        volume = self._volume
        usage = inner(volume, "UsageData")
        return {
            "Availability": lambda: "N/A",
            "Driver": lambda: text(volume, "Driver"),
            "Group": lambda: "N/A",
            "Labels": lambda: joined_labels(self.labels()),
            "Links": lambda: str(number(usage, "RefCount")) if usage else "N/A",
            "Mountpoint": lambda: text(volume, "Mountpoint"),
            "Name": lambda: text(volume, "Name"),
            "Scope": lambda: text(volume, "Scope"),
            "Size": lambda: human.size(number(usage, "Size")) if usage else "N/A",
            "Status": lambda: "N/A",
        }

    def labels(self) -> Mapping[str, str]:
        return labels(self._volume)
