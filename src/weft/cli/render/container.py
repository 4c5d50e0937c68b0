"""Containers in lists."""

from __future__ import annotations

from collections.abc import Mapping

from weft.cli.render import human, ports
from weft.cli.render.columns import ellipsis
from weft.cli.render.fields import Json, inner, items, labels, number, text, texts
from weft.cli.render.listing import Cell, Row, joined_labels
from weft.cli.render.reference import familiar, short_id
from weft.cli.template.values import quoted

TITLES = {
    "ID": "CONTAINER ID",
    "Names": "NAMES",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "CreatedAt": "CREATED AT",
    "RunningFor": "CREATED",
    "Ports": "PORTS",
    "State": "STATE",
    "Status": "STATUS",
    "Size": "SIZE",
    "Labels": "LABELS",
    "Mounts": "MOUNTS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Networks": "NETWORKS",
    "Platform": "PLATFORM",
}
DEFAULT = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")


class ContainerRow(Row):
    """A container of `GET /containers/json`; `shorten` cuts ids, commands and mounts."""

    kind = "container"

    def __init__(self, summary: Json, *, shorten: bool = True, now: float | None = None) -> None:
        self._summary = summary
        self._shorten = shorten
        self._now = now
        self.sized = False  # whether a template asked for the size

    def cells(self) -> Mapping[str, Cell]:
        summary = self._summary
        return {
            "Command": self._command,
            "CreatedAt": lambda: human.local_time(number(summary, "Created")),
            "ID": self._id,
            "Image": self._image,
            "Labels": lambda: joined_labels(self.labels()),
            "LocalVolumes": lambda: str(sum(text(mount, "Driver") == "local" for mount in items(summary, "Mounts"))),
            "Mounts": self._mounts,
            "Names": self._names,
            "Networks": lambda: ",".join(inner(inner(summary, "NetworkSettings"), "Networks")),
            "Platform": self._platform,
            "Ports": lambda: ports.display(items(summary, "Ports")),
            "RunningFor": lambda: human.ago(number(summary, "Created"), self._now),
            "Size": self._size,
            "State": lambda: text(summary, "State"),
            "Status": lambda: text(summary, "Status"),
        }

    def labels(self) -> Mapping[str, str]:
        return labels(self._summary)

    def _id(self) -> str:
        identifier = text(self._summary, "Id")
        return short_id(identifier) if self._shorten else identifier

    def _image(self) -> str:
        image = text(self._summary, "Image")
        if not self._shorten and image:
            return image
        return familiar(image, text(self._summary, "ImageID"))

    def _command(self) -> str:
        command = text(self._summary, "Command")
        return quoted(ellipsis(command, 20) if self._shorten else command)

    def _names(self) -> str:
        names = [name.removeprefix("/") for name in texts(self._summary, "Names")]
        if not self._shorten:
            return ",".join(names)
        return next((name for name in names if "/" not in name), "")  # others are legacy links

    def _mounts(self) -> str:
        names = [text(mount, "Name") or text(mount, "Source") for mount in items(self._summary, "Mounts")]
        return ",".join(ellipsis(name, 15) if self._shorten else name for name in names)

    def _platform(self) -> object:
        platform = inner(inner(self._summary, "ImageManifestDescriptor"), "platform")
        if not platform:
            return None
        return "/".join(filter(None, (text(platform, key) for key in ("os", "architecture", "variant"))))

    def _size(self) -> str:
        self.sized = True
        writable, whole = number(self._summary, "SizeRw"), number(self._summary, "SizeRootFs")
        shown = human.size(writable, 3)
        return f"{shown} (virtual {human.size(whole, 3)})" if whole > 0 else shown
