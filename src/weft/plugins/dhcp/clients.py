"""All DHCP clients of a daemon."""

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from weft.engine.contract.leases import Lease, LeaseRequest
from weft.model.errors import SystemFailure, Unavailable, WeftError
from weft.plugins.dhcp.client import Client, find, start
from weft.plugins.dhcp.lease_file import read_lease
from weft.plugins.dhcp.script import install_script

_log = logging.getLogger(__name__)
_PATIENCE = 15.0  # seconds for a server to answer: some look for three whether an address is in use
_PAUSE = 5.0  # seconds until a client that ended by itself is started again


@dataclass(slots=True)
class _Held:
    """One client. `news` is set when its file was written, and when it ended."""

    request: LeaseRequest
    client: Client
    lease: Lease | None = None
    ended: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)


class DhcpClients:
    """Implements weft.engine.contract.leases.Leases.

    What clients write lies below `state`; their script in `programs`, where files may be executed.
    """

    def __init__(self, state: Path, programs: Path, patience: float = _PATIENCE) -> None:
        self._state = state
        self._script = programs / "lease-script"
        self._bell = state / "bell"
        self._patience = patience
        self._busybox = shutil.which("busybox") or ""
        self._held: dict[str, _Held] = {}
        self._changes: asyncio.Queue[Lease] = asyncio.Queue()
        self._restarts: set[asyncio.Task[None]] = set()
        self._descriptor = -1

    async def open(self) -> None:
        """Listen to clients; raises SystemFailure. Without busybox on the host only `acquire` fails."""
        try:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._bell.is_fifo():
                self._bell.unlink(missing_ok=True)
                os.mkfifo(self._bell, 0o600)
            # For both directions: a FIFO without a writer would be readable for ever.
            self._descriptor = os.open(self._bell, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise SystemFailure(f"cannot listen to DHCP clients in {self._state}: {error.strerror}") from error
        asyncio.get_running_loop().add_reader(self._descriptor, self._heard)

    async def close(self) -> None:
        """Let go; the clients go on."""
        for task in self._restarts:
            task.cancel()
        for held in self._held.values():
            held.client.close()
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)

    async def acquire(self, request: LeaseRequest) -> Lease:
        """Get a lease, within the patience given; Unavailable where no server answers."""
        if not self._busybox:
            raise Unavailable("the program busybox is missing, of which udhcpc is part: install it to use DHCP")
        install_script(self._script, self._busybox)
        held = self._start(request, "")
        try:
            async with asyncio.timeout(self._patience):
                return await _lease_of(held)
        except TimeoutError:
            await self.release(request.endpoint_id)
            raise Unavailable(
                f"network {request.network}: no DHCP server on its wire gave {request.link} an address within "
                f"{self._patience:g} s: look whether one answers there and has addresses left"
            ) from None
        except BaseException:
            await self.release(request.endpoint_id)
            raise

    async def release(self, endpoint_id: str) -> None:
        """Give the address back and end the client; none is no error."""
        held = self._held.pop(endpoint_id, None)
        if held is None:
            await self._end_stray(endpoint_id)  # a former daemon's
            return
        if not held.ended:
            # Without a lease there is nothing to give back, and a client in want of one is slow to listen.
            await held.client.end(politely=held.lease is not None)
        self._clear(endpoint_id)

    async def adopt(self, requests: Collection[LeaseRequest]) -> tuple[Lease, ...]:
        """Return what these hold by now, clients that are gone started anew; end all others."""
        live = {request.endpoint_id for request in requests}
        strays = {path.stem for path in self._state.glob("*.pid")} - live
        await asyncio.gather(*(self._end_stray(endpoint_id) for endpoint_id in strays))
        if requests and self._busybox:
            install_script(self._script, self._busybox)
        for request in requests:
            try:
                self._readopt(request)
            except WeftError as error:
                _log.error(
                    "network %s: the lease of %s is not renewed: %s", request.network, request.link, error.message
                )
        return tuple(held.lease for held in self._held.values() if held.lease is not None)

    async def changes(self) -> AsyncIterator[Lease]:
        """Yield the leases that changed."""
        while True:
            yield await self._changes.get()

    def _readopt(self, request: LeaseRequest) -> None:
        path = self._path(request.endpoint_id)
        lease = read_lease(path)
        pid = find(path)
        with suppress(ProcessLookupError):
            if pid:
                self._hold(request, pid, lease)
                return
        _log.warning("network %s: the DHCP client of %s was gone: starting it again", request.network, request.link)
        self._restart(request, lease)

    def _restart(self, request: LeaseRequest, lease: Lease | None) -> None:
        """Start a client for an interface that has its address already, and keeps it meanwhile."""
        self._path(request.endpoint_id).with_suffix(".adopt").touch(0o600)
        address = str(lease.interface.ip) if lease is not None and lease.interface is not None else ""
        self._start(request, address, lease)

    def _start(self, request: LeaseRequest, address: str, lease: Lease | None = None) -> _Held:
        path = self._path(request.endpoint_id)
        pid = start(
            self._busybox, self._script, path, self._bell, request.path, request.link, request.hostname, address
        )
        return self._hold(request, pid, lease)

    def _hold(self, request: LeaseRequest, pid: int, lease: Lease | None) -> _Held:
        held = _Held(request, Client(pid, lambda: self._ended(request.endpoint_id)), lease)
        self._held[request.endpoint_id] = held
        return held

    def _heard(self) -> None:
        """Read the files that the clients' bell names."""
        with suppress(BlockingIOError):
            for name in os.read(self._descriptor, 65536).decode(errors="replace").split():
                held = self._held.get(name)
                if held is not None:
                    self._take_over(held, read_lease(self._path(name)))

    def _take_over(self, held: _Held, lease: Lease | None) -> None:
        former = held.lease
        if lease is None or (former is None and lease.interface is None):
            return
        held.lease = lease
        held.news.set()
        if former is not None and replace(former, seconds=0) != replace(lease, seconds=0):
            self._changes.put_nowait(lease)

    def _ended(self, endpoint_id: str) -> None:
        held = self._held.get(endpoint_id)
        if held is None:
            return
        held.ended = True
        held.news.set()
        if held.lease is not None:
            task = asyncio.get_running_loop().create_task(self._start_again(held))
            self._restarts.add(task)
            task.add_done_callback(self._restarts.discard)

    async def _start_again(self, held: _Held) -> None:
        request = held.request
        _log.warning("network %s: the DHCP client of %s ended: starting it again", request.network, request.link)
        await asyncio.sleep(_PAUSE)
        if self._held.get(request.endpoint_id) is not held:
            return
        try:
            self._restart(request, held.lease)
        except WeftError as error:
            _not_renewed(request, error)

    async def _end_stray(self, endpoint_id: str) -> None:
        pid = find(self._path(endpoint_id))
        with suppress(ProcessLookupError):
            if pid:
                await Client(pid, lambda: None).end()
        self._clear(endpoint_id)

    def _path(self, endpoint_id: str) -> Path:
        return self._state / endpoint_id

    def _clear(self, endpoint_id: str) -> None:
        for suffix in ("", ".pid", ".new", ".default", ".adopt"):
            self._state.joinpath(endpoint_id + suffix).unlink(missing_ok=True)


async def _lease_of(held: _Held) -> Lease:
    """Wait for the first lease; SystemFailure where the client ends before."""
    while held.lease is None:
        if held.ended:
            raise SystemFailure(
                f"network {held.request.network}: the DHCP client of {held.request.link} ended at once: "
                "udhcpc of busybox and nsenter must work on the host"
            )
        await held.news.wait()
        held.news.clear()
    return held.lease


def _not_renewed(request: LeaseRequest, error: WeftError) -> None:
    _log.error("network %s: the lease of %s is not renewed: %s", request.network, request.link, error.message)
