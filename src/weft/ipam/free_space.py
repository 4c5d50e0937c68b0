"""Finding room: the first block of a size that overlaps nothing that is taken."""

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from weft.model.address import Network as Subnet


class Occupied:
    """Subnets of one family as merged, sorted intervals; a search costs one step an obstacle, not one a subnet."""

    def __init__(self, subnets: Iterable[Subnet]) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        bounds = sorted((int(subnet.network_address), int(subnet.broadcast_address)) for subnet in subnets)
        for first, last in bounds:
            if self._last and first <= self._last[-1]:
                self._last[-1] = max(self._last[-1], last)
            else:
                self._first.append(first)
                self._last.append(last)

    def end_of_overlap(self, first: int, last: int) -> int | None:
        """Return the last address of an interval that overlaps first..last, or None."""
        place = bisect_right(self._first, last) - 1
        if place < 0 or self._last[place] < first:
            return None
        return self._last[place]


def first_free(base: Subnet, prefix: int, occupied: Occupied) -> Subnet | None:
    """Return the lowest subnet of length `prefix` in `base` that overlaps nothing in `occupied`, or None."""
    if prefix < base.prefixlen:
        return None
    size = 1 << (base.max_prefixlen - prefix)
    cursor, end = int(base.network_address), int(base.broadcast_address)
    while cursor + size - 1 <= end:
        obstacle = occupied.end_of_overlap(cursor, cursor + size - 1)
        if obstacle is None:
            return IPv4Network((cursor, prefix)) if base.version == 4 else IPv6Network((cursor, prefix))
        cursor = (obstacle // size + 1) * size
    return None
