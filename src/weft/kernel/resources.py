"""What the kernel room keeps open in the daemon's own namespace, shared by all plans."""

from collections import deque
from concurrent.futures import Executor
from dataclasses import dataclass, field

from weft.kernel.herald import Herald
from weft.kernel.link_kinds import LinkKinds
from weft.kernel.namespace import Home
from weft.kernel.netlink.channel import Channel
from weft.kernel.nft.context import Context
from weft.kernel.nft.tables import OwnTables
from weft.kernel.procfs import Procfs
from weft.kernel.reaper import Reaper
from weft.kernel.sandboxes import Sandboxes
from weft.kernel.stock import Stock


class Channels:
    """Kept rtnetlink sockets of the daemon's own namespace, one for each plan in progress."""

    def __init__(self) -> None:
        self._idle: deque[Channel] = deque()

    def take(self) -> Channel:
        """Return a socket that nobody else uses; raises OSError."""
        try:
            return self._idle.pop()
        except IndexError:
            return Channel()

    def give(self, channel: Channel) -> None:
        """Give it back."""
        self._idle.append(channel)

    def close(self) -> None:
        """Close those that were given back."""
        while self._idle:
            self._idle.pop().close()


@dataclass(frozen=True, slots=True)
class Resources:
    """`errands` runs what nobody waits for."""

    home: Home
    sandboxes: Sandboxes
    nft: Context
    tables: OwnTables
    reaper: Reaper
    procfs: Procfs
    stock: Stock
    errands: Executor
    link_kinds: LinkKinds
    herald: Herald
    channels: Channels = field(default_factory=Channels)
