"""Everything that the kernel room holds between its opening and its closing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from weft.kernel.address_watch import AddressWatch
from weft.kernel.herald import Herald
from weft.kernel.link_kinds import LinkKinds
from weft.kernel.namespace import Home
from weft.kernel.nft.context import Context
from weft.kernel.nft.tables import OwnTables
from weft.kernel.perform.performer import Performer
from weft.kernel.procfs import Procfs
from weft.kernel.reaper import Reaper
from weft.kernel.resources import Resources
from weft.kernel.sandboxes import Sandboxes
from weft.kernel.stock import Stock
from weft.kernel.watch import Watch

_WORKERS = 8  # plans in progress: they wait for the kernel's locks, not for processors
_REAPERS = 2  # deletions in progress: they wait for the kernel, longer than a plan does


class Opened:
    """Sockets, contexts and threads. The calling thread's network namespace is the host; raises OSError."""

    def __init__(self, exec_root: Path, loop: asyncio.AbstractEventLoop) -> None:
        with ExitStack() as undo:
            home = Home()
            undo.callback(home.close)
            nft = Context()
            undo.callback(nft.close)
            tables = OwnTables(exec_root)
            undo.callback(tables.close)
            errands = ThreadPoolExecutor(1, "weft-errands", initializer=home.enter)
            reapers = ThreadPoolExecutor(_REAPERS, "weft-reaper", initializer=home.enter)
            reaper = Reaper(reapers)
            undo.callback(reaper.close)
            undo.callback(reapers.shutdown)
            procfs = Procfs()
            undo.callback(procfs.close)
            stock = Stock(home, procfs, errands)
            undo.callback(stock.close)
            undo.callback(errands.shutdown)
            undo.callback(stock.stop)
            self.workers = ThreadPoolExecutor(_WORKERS, "weft-kernel", initializer=home.enter)
            sandboxes = Sandboxes(exec_root / "netns", home, stock)
            herald = Herald(home, sandboxes.descriptor)
            undo.callback(herald.close)
            self.resources = Resources(
                home, sandboxes, nft, tables, reaper, procfs, stock, errands, LinkKinds(home), herald
            )
            undo.callback(self.resources.channels.close)
            undo.callback(sandboxes.close)
            undo.callback(self.workers.shutdown)
            self.performer = Performer(self.resources)
            self.watch = Watch(tables, loop)
            self.addresses = AddressWatch(loop)
            self._closing = undo.pop_all()

    def begin(self) -> None:
        """Adopt what an earlier daemon left and remove what a killed one left half-done; blocks. Raises OSError."""
        self.resources.sandboxes.open()
        self.resources.tables.adopt()
        self.resources.reaper.reap()
        self.resources.reaper.reap_unfinished()
        self.resources.stock.refill()

    def close(self) -> None:
        """Close all but the watch, which is the event loop's; blocks until plans in progress are done."""
        self._closing.close()
