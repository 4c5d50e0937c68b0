"""The daemon's side of weft-relay: binds ports at once, hands them over later, ends the process when it is idle."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from ipaddress import ip_address

import weft.daemon.relay_process
from weft.daemon.kept_process import KeptProcess
from weft.engine.contract.kernel import Listener
from weft.engine.contract.relay import RelayedPort
from weft.model.address import text
from weft.model.errors import SystemFailure, WeftError
from weft.model.port import Protocol
from weft.relay.protocol import (
    MOST_PORTS_AN_OPEN,
    PROTOCOL,
    SOCKET_NAME,
    TCP,
    UDP,
    Key,
    Target,
    pack,
    pack_keys,
    pack_runs,
    unpack_runs,
)

_log = logging.getLogger(__name__)
_IDLE = 20.0  # seconds without ports after which the process is ended
_RETRY = 1.0  # seconds
_REASONS = {errno.EADDRINUSE: "address already in use", errno.EADDRNOTAVAIL: "cannot assign requested address"}


class RelayProcess:
    """Implements weft.engine.contract.relay.Relay over the process that serves this exec root.

    TCP ports share a listening socket, to which the firewall redirects; a UDP port has a socket of its own. Sockets are
    bound by us, so that a start fails at once where a port is taken, and clients wait in their queues until the process
    has come up. One task brings the process into agreement with what is wanted, touching what changed alone.
    """

    def __init__(self, exec_root: str, *, enabled: bool, log_path: str = "") -> None:
        file = weft.daemon.relay_process.__file__
        self._process = KeptProcess("weft-relay", file, PROTOCOL, SOCKET_NAME, exec_root, self._begin_anew, log_path)
        self.available = enabled and _has_ipv6()
        self.port = 0
        self._of: dict[str, frozenset[Key]] = {}  # container -> its ports
        self._wanted: dict[Key, Target] = {}
        self._datagrams: dict[Key, Listener] = {}  # the UDP ones among them
        self._streams: socket.socket | None = None  # not handed over yet
        self._bound: dict[Key, socket.socket] = {}  # not handed over yet
        self._held: dict[Key, Target] = {}  # by the process
        self._stale: set[Key] = set()  # of which the process may know something else
        self._running = False
        self._changed = asyncio.Event()
        self._moved = asyncio.Event()
        self._working = asyncio.Lock()
        self._worker: asyncio.Task[None] | None = None

    async def restore(self, ports: Mapping[str, tuple[RelayedPort, ...]]) -> None:
        """Make the process carry `ports`, whatever it carries now; a port that cannot be bound is logged."""
        for container_id, relayed in ports.items():
            self._want(container_id, {_key(port): _target(port) for port in relayed})
        if await self._process.adopt():
            self._running = True
            await self._look()
        if self._has_streams():
            self._listen()
        self._changed.set()
        self._worker = asyncio.create_task(self._work())

    def listeners(self) -> frozenset[Listener]:
        """Return the sockets of the ports that it has."""
        return frozenset(self._datagrams.values())

    async def settle(self, container_id: str, ports: tuple[RelayedPort, ...]) -> None:
        """Carry these ports for a container in place of those before; SystemFailure where one cannot be bound.

        The process is told meanwhile: see `settled`.
        """
        before = self._of.get(container_id, frozenset())
        wanted = {_key(port): _target(port) for port in ports}
        if not before and not wanted:
            return
        bound: dict[Key, socket.socket] = {}
        try:
            for key in wanted.keys() - before:
                if key.protocol == UDP:
                    bound[key] = _bind(key)
            if any(key.protocol == TCP for key in wanted):
                self._listen()
        except SystemFailure:
            for sock in bound.values():
                sock.close()
            raise
        self._bound |= bound
        gone = before - wanted.keys()
        self._want(container_id, wanted)
        await self._let_go(gone)
        self._changed.set()

    async def moved(self) -> AsyncIterator[None]:
        """Yield whenever the process listens elsewhere, being another, or nowhere, being ended; until cancelled."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            yield

    async def settled(self, container_id: str) -> None:
        """Return when the process knows a container's ports; if it is yet to be started, clients wait for it."""
        if self._running and container_id in self._of:
            with suppress(WeftError):  # told by the task that tries again
                await self._agree()

    def _want(self, container_id: str, wanted: Mapping[Key, Target]) -> None:
        for key in self._of.pop(container_id, frozenset()) - wanted.keys():
            self._wanted.pop(key, None)
            self._datagrams.pop(key, None)
        if wanted:
            self._of[container_id] = frozenset(wanted)
        self._wanted |= wanted
        self._stale |= wanted.keys()
        for key in wanted:
            if key.protocol == UDP:
                self._datagrams[key] = Listener(Protocol.UDP, ip_address(key.host_address), key.host_port)

    def _has_streams(self) -> bool:
        return len(self._wanted) > len(self._datagrams)

    def _listen(self) -> None:
        """Have a socket to which TCP connections can be redirected, on a former one's port if that is free."""
        if self._streams is not None or (self._running and self.port):
            return
        try:
            self._streams = _bind(Key(TCP, "::", self.port))
        except SystemFailure:
            self._streams = _bind(Key(TCP, "::", 0))
        self.port = int(self._streams.getsockname()[1])

    async def _let_go(self, keys: frozenset[Key]) -> None:
        """Free ports, at once: whoever asks for them next gets them."""
        for key in keys:
            if (sock := self._bound.pop(key, None)) is not None:
                sock.close()
        if not keys:
            return
        async with self._working:  # a hand-over that is under way comes first
            held = [key for key in keys if key in self._held]
            if not held:
                return
            try:
                await self._process.call("close", pack_keys(held))
            except WeftError as error:
                _log.error("published IPv6 ports could not be closed: %s", error.message)
            for key in held:
                self._held.pop(key, None)

    async def stop(self) -> None:
        """Let go of the process: it goes on carrying."""
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
        await self._process.stop()
        for sock in (*self._bound.values(), *([self._streams] if self._streams is not None else [])):
            sock.close()
        self._bound.clear()

    async def _begin_anew(self) -> None:
        """A new process holds nothing."""
        self._held.clear()
        self._stale |= self._wanted.keys()
        if self._has_streams():
            former, self._running = self.port, False  # for `_listen`, which would rely on the former process's socket
            self._listen()
            self._running = True
            if self.port != former:
                self._moved.set()
        self._changed.set()

    async def _work(self) -> None:
        """Bring the process into agreement whenever something has changed; runs until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await (self._agree() if self._wanted else self._end_when_idle())
            except WeftError as error:
                _log.error("published IPv6 ports are not carried: %s", error.message)
                await asyncio.sleep(_RETRY)
                self._changed.set()

    async def _end_when_idle(self) -> None:
        if not self._running:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_IDLE):
                await self._changed.wait()
        async with self._working:
            if self._wanted:
                return
            # before anything is awaited: whoever wants a port from now on gets another process
            self._running, self.port = False, 0
            self._moved.set()
            await self._process.end()
            self._held.clear()

    async def _agree(self) -> None:
        async with self._working:
            if not self._running:
                await self._process.start()
                self._running = True
                await self._look()
            stale, self._stale = self._stale, set()
            try:
                await self._refresh([key for key in stale if key in self._wanted])
            except BaseException:
                self._stale |= stale
                raise
            await self._hand_over_streams()  # last: until then clients wait, for the process knows no port

    async def _refresh(self, stale: list[Key]) -> None:
        moved = [key for key in stale if key.protocol == TCP or key in self._held]
        moved = [key for key in moved if self._held.get(key) != self._wanted[key]]
        if moved:
            aimed = {key: self._wanted[key] for key in moved}
            await self._process.call("aim", pack_runs(aimed))
            self._held |= aimed
        missing = [key for key in stale if key.protocol == UDP and key not in self._held]
        for start in range(0, len(missing), MOST_PORTS_AN_OPEN):
            await self._hand_over(missing[start : start + MOST_PORTS_AN_OPEN])

    async def _look(self) -> None:
        """Find out what a process holds that we just came to, and let it drop what is not wanted."""
        port, held = await self._process.call("ports")
        if port and self._streams is None:
            self.port = int(port)
        self._held = unpack_runs(held)
        self._stale |= self._wanted.keys()
        strays = [key for key in self._held if key not in self._wanted]
        if strays:
            await self._process.call("close", pack_keys(strays))
            self._held = {key: target for key, target in self._held.items() if key in self._wanted}

    async def _hand_over_streams(self) -> None:
        if self._streams is None:
            return
        await self._process.call("listen", descriptors=[self._streams.fileno()])
        self._streams.close()
        self._streams = None

    async def _hand_over(self, keys: list[Key]) -> None:
        ready: dict[Key, Target] = {}
        for key in keys:
            if key not in self._wanted or (key not in self._bound and not self._bind_again(key)):
                continue
            ready[key] = self._wanted[key]
        if not ready:
            return
        # copies: whoever takes a port back meanwhile closes ours
        descriptors = [os.dup(self._bound[key].fileno()) for key in ready]
        try:
            await self._process.call("open", [pack(*item) for item in ready.items()], descriptors=descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._held |= ready
        for key in ready:
            if (sock := self._bound.pop(key, None)) is not None:
                sock.close()

    def _bind_again(self, key: Key) -> bool:
        """Whether a port that the former process held could be bound once more."""
        try:
            self._bound[key] = _bind(key)
        except SystemFailure as error:
            _log.error("a published port is not carried: %s", error.message)
            return False
        return True


def _key(port: RelayedPort) -> Key:
    return Key(port.protocol.value, text(port.host_address), port.host_port)


def _target(port: RelayedPort) -> Target:
    return Target(text(port.address), port.port, str(port.exposure))


def _bind(key: Key) -> socket.socket:
    """Return the socket of a port; raises SystemFailure in Docker's words."""
    stream = key.protocol == TCP
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if stream:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT are no obstacle
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)  # for what arrives before the hand-over
        sock.bind((key.host_address, key.host_port))
        if stream:
            sock.listen(socket.SOMAXCONN)
    except OSError as error:
        sock.close()
        reason = _REASONS.get(error.errno or 0, str(error))
        raise SystemFailure(
            f"failed to bind host port [{key.host_address}]:{key.host_port}/{key.protocol}: {reason}"
        ) from error
    return sock


def _has_ipv6() -> bool:
    """Whether this host has IPv6 at all."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True
