"""The kernel room's door: performs plans and observes, in worker threads, for the namespace the daemon started in."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from weft.engine.contract.kernel import Facts, ForeignListing, Listener, SandboxSockets
from weft.engine.contract.usage import InterfaceCounters
from weft.kernel import neighbours, sockdiag, sysctl
from weft.kernel.counters import counters_in
from weft.kernel.dns_sockets import open_dns_sockets
from weft.kernel.facts import observe
from weft.kernel.nft.foreign import list_foreign
from weft.kernel.opened import Opened
from weft.kernel.perform.places import Places
from weft.kernel.resources import Resources
from weft.model.address import Address
from weft.model.errors import SystemFailure
from weft.plan.plan import Plan

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class HostKernel:
    """Implements weft.engine.contract.kernel.Kernel. `exec_root` holds the pinned namespaces.

    Nothing blocks the event loop: every call to the kernel is made by a worker thread, one hop a call.
    """

    def __init__(self, exec_root: Path) -> None:
        self._exec_root = exec_root
        self._state: Opened | None = None

    async def open(self) -> None:
        """Open what is kept open, adopt the tables of an earlier daemon, remove what a killed one left half-done.

        The calling thread's network namespace is the host from now on. Raises SystemFailure.
        """
        try:
            self._state = Opened(self._exec_root, asyncio.get_running_loop())
            await self._work(self._state.begin)
        except (OSError, SystemFailure) as error:
            await self.close()
            if isinstance(error, SystemFailure):
                raise
            raise SystemFailure(f"cannot open the kernel's network interfaces: {error}: is weftd root?") from error

    async def close(self) -> None:
        """Let go of everything; links, tables and sandboxes stay as they are. Idempotent."""
        state, self._state = self._state, None
        if state is not None:
            state.watch.close()
            state.addresses.close()
            await asyncio.to_thread(state.close)

    async def apply(self, plan: Plan) -> None:
        """Perform every operation in order; what fails half-way is undone and the WeftError raised.

        A caller that is cancelled waits until the plan is done, which is then undone.
        """
        performer = self._opened.performer
        done = self._work(partial(performer.apply, plan))
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.shield(self._take_back(done, plan))
            raise

    async def teardown(self, plan: Plan) -> None:
        """Perform every operation, going on after errors; raises ExceptionGroup with all of them at the end.

        Links of the host's that are bridge ports fall silent at once and vanish within about a second.
        """
        await asyncio.shield(self._work(partial(self._opened.performer.teardown, plan)))

    async def facts(self) -> Facts:
        """Observe links, routes, sandboxes and tables now; raises SystemFailure."""
        return await self._observe("links and routes", partial(observe, self._opened.resources))

    async def listeners(self) -> frozenset[Listener]:
        """Return what the host's own sockets occupy; raises SystemFailure."""
        return await self._observe("sockets", sockdiag.listeners)

    def ephemeral_ports(self) -> range:
        """Return the host's net.ipv4.ip_local_port_range."""
        return sysctl.ephemeral_ports()

    def make_room_for_neighbours(self) -> int:
        """Raise the machine's limits of neighbours; return the lowest in force, 0 where the kernel does not show it."""
        return neighbours.make_room()

    async def open_dns_sockets(self, sandbox: str) -> SandboxSockets:
        """Open UDP and TCP sockets inside a sandbox at 127.0.0.11 on free ports, and redirect its port 53 to them.

        Both are non-blocking and the caller's; TCP listens. Raises SystemFailure.
        """
        opened = self._work(partial(_open_dns_sockets, self._opened.resources, sandbox))
        try:
            return await asyncio.shield(opened)
        except asyncio.CancelledError:
            opened.add_done_callback(_discard)
            raise
        except OSError as error:
            raise SystemFailure(f"cannot open DNS sockets in sandbox {sandbox}: {error}") from error

    def is_local(self, address: Address) -> bool:
        """Whether `address` is the host's own: whether a socket can be bound to it."""
        return sockdiag.is_local(address)

    def sandbox_path(self, sandbox: str) -> str:
        """Return the path of the pinned namespace, for the OCI runtime."""
        return str(self._opened.resources.sandboxes.path(sandbox))

    async def counters(self, sandbox: str) -> Mapping[str, InterfaceCounters]:
        """Return what each interface of a sandbox has received and sent; raises SystemFailure without the sandbox."""
        return await self._observe("interfaces of a sandbox", partial(counters_in, self._opened.resources, sandbox))

    def flushed(self) -> AsyncIterator[str]:
        """Yield the name of one of Weft's tables whenever somebody else deleted it."""
        return self._opened.watch.names()

    def addresses_changed(self) -> AsyncIterator[None]:
        """Yield whenever the host's addresses changed; for one caller."""
        return self._opened.addresses.changes()

    async def foreign_rules(self) -> ForeignListing:
        """Return the tables of others that see forwarded packets; raises SystemFailure."""
        return await self._observe("nftables rules of others", partial(list_foreign, self._opened.resources.tables))

    def foreign_changes(self) -> AsyncIterator[None]:
        """Yield whenever tables of others have changed."""
        return self._opened.watch.changes()

    async def _take_back(self, done: asyncio.Future[None], plan: Plan) -> None:
        """Wait for a plan that nobody wants any more, and undo it."""
        await asyncio.wait({done})
        if done.exception() is None:
            try:
                await self.teardown(plan.inverse)
            except ExceptionGroup as errors:
                _LOG.error("cannot undo what was cancelled: %s", "; ".join(map(str, errors.exceptions)))

    @property
    def _opened(self) -> Opened:
        if self._state is None:
            raise SystemFailure("the kernel room is not open")
        return self._state

    def _work(self, function: Callable[[], _Result]) -> asyncio.Future[_Result]:
        return asyncio.get_running_loop().run_in_executor(self._opened.workers, function)

    async def _observe(self, what: str, function: Callable[[], _Result]) -> _Result:
        try:
            return await self._work(function)
        except OSError as error:
            raise SystemFailure(f"cannot observe the host's {what}: {error}") from error


def _open_dns_sockets(resources: Resources, sandbox: str) -> SandboxSockets:
    with Places(resources) as places:
        return open_dns_sockets(places, sandbox)


def _discard(opened: asyncio.Future[SandboxSockets]) -> None:
    """Close sockets that nobody waits for any more."""
    if opened.exception() is None:
        os.close(opened.result().udp)
        os.close(opened.result().tcp)
