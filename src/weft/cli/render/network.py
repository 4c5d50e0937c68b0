"""Networks in lists."""

from __future__ import annotations

from collections.abc import Mapping

from weft.cli.render.fields import Json, flag, labels, text
from weft.cli.render.listing import Cell, Row, joined_labels
from weft.cli.render.moment import go_time

TITLES = {
    "ID": "NETWORK ID",
    "Name": "NAME",
    "Driver": "DRIVER",
    "Scope": "SCOPE",
    "IPv4": "IPV4",
    "IPv6": "IPV6",
    "Internal": "INTERNAL",
    "Labels": "LABELS",
    "CreatedAt": "CREATED AT",
}
DEFAULT = ("ID", "Name", "Driver", "Scope")


class NetworkRow(Row):
    """A network of `GET /networks`; `shorten` cuts ids."""

    kind = "network"

    def __init__(self, network: Json, *, shorten: bool = True) -> None:
        self._network = network
        self._shorten = shorten

    def cells(self) -> Mapping[str, Cell]:
        network = self._network
        return {
            "CreatedAt": lambda: go_time(text(network, "Created")),
            "Driver": lambda: text(network, "Driver"),
            "ID": lambda: text(network, "Id")[: 12 if self._shorten else None],
            "IPv4": lambda: _boolean(flag(network, "EnableIPv4")),
            "IPv6": lambda: _boolean(flag(network, "EnableIPv6")),
            "Internal": lambda: _boolean(flag(network, "Internal")),
            "Labels": lambda: joined_labels(self.labels()),
            "Name": lambda: text(network, "Name"),
            "Scope": lambda: text(network, "Scope"),
        }

    def labels(self) -> Mapping[str, str]:
        return labels(self._network)


def _boolean(value: bool) -> str:
    return "true" if value else "false"
