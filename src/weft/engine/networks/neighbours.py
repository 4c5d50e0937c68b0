"""Neighbours: every endpoint that talks is one in the kernel's tables, which have a limit for the whole machine."""

from weft.engine.contract.kernel import Kernel
from weft.engine.inventory import Inventory

_DEFAULT = 1024  # gc_thresh3 of a kernel that nobody asked for more (Linux net/ipv4/arp.c)
_SHARE = 0.9  # of the limit: the host has neighbours of its own


class Neighbours:
    """Makes room for many endpoints, and warns where they come near a limit that could not be raised."""

    def __init__(self, inventory: Inventory, kernel: Kernel) -> None:
        self._inventory = inventory
        self._kernel = kernel
        self._limit = _DEFAULT

    def make_room(self) -> None:
        """Raise the limit as far as the kernel lets us."""
        self._limit = self._kernel.make_room_for_neighbours() or _DEFAULT

    def warnings(self) -> tuple[str, ...]:
        """Return what to do where more endpoints run than the kernel keeps neighbours."""
        running = (record for record in self._inventory.containers.values() if record.sandbox_id == record.id)
        count = sum(each.endpoint is not None for record in running for each in record.attachments)
        if count < self._limit * _SHARE:
            return ()
        settings = " ".join(f"net.{family}.neigh.default.gc_thresh3=65536" for family in ("ipv4", "ipv6"))
        return (
            f"{count} endpoints run, and the kernel keeps {self._limit} neighbours: connections to more of them at a "
            f"time fail; in the machine's first network namespace: sysctl -w {settings}",
        )
