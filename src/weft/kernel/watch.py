"""Watches nftables' events: damage that others do to our tables, and changes of theirs (Linux NFNLGRP_NFTABLES)."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator

from weft.kernel.netlink.channel import NETLINK_NETFILTER, Channel
from weft.kernel.netlink.message import messages
from weft.kernel.netlink.netfilter import (
    DAMAGE,
    DELETE_TABLE,
    DESTROY_TABLE,
    EVENTS_GROUP,
    INET,
    NEW_GENERATION,
    RULE_EVENTS,
    TABLE_EVENTS,
    parse_table,
    table_of,
)
from weft.kernel.nft.tables import OwnTables

_SOL_NETLINK = 270
_ADD_MEMBERSHIP = 1
_SO_RCVBUFFORCE = 33
_SOL_SOCKET = 1
_BUFFER = 8 << 20  # bytes: a load of ten thousand elements sends an event for each
_DRAIN = 64  # datagrams a wake-up, so that a flood does not hold the event loop
_LOG = logging.getLogger(__name__)


class Watch:
    """Reads events on the event loop and hands the names of lost tables to every iterator."""

    def __init__(self, tables: OwnTables, loop: asyncio.AbstractEventLoop) -> None:
        self._tables = tables
        self._loop = loop
        self._queues: set[asyncio.Queue[str]] = set()
        self._unheard: list[str] = []
        self._damaged: set[str] = set()  # tables of family inet that the present transaction takes something out of
        self._replaced: set[str] = set()  # and those that it makes or deletes as a whole
        self._changed = asyncio.Event()  # others' rules are not what they were
        self._channel = Channel(NETLINK_NETFILTER)
        self._channel.socket.setsockopt(_SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._channel.socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, EVENTS_GROUP)
        self._channel.socket.setblocking(False)
        tables.when_lost(self._lost)
        loop.add_reader(self._channel.socket, self._drain)

    def close(self) -> None:
        """Stop watching."""
        self._tables.when_lost(None)
        self._loop.remove_reader(self._channel.socket)
        self._channel.close()

    async def names(self) -> AsyncIterator[str]:
        """Yield the name of each lost table, from now on; the first caller also gets what nobody heard before."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        for name in self._unheard:
            queue.put_nowait(name)
        self._unheard.clear()
        self._queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)

    def _drain(self) -> None:
        for _ in range(_DRAIN):
            try:
                data = self._channel.socket.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                _LOG.info("nftables events were lost: comparing our tables with the kernel's")
                self._tables.check()
                self._changed.set()
                return
            for kind, _, _, body in messages(data):
                if kind in (DELETE_TABLE, DESTROY_TABLE):
                    table = parse_table(body)
                    if table is not None:
                        self._tables.deleted(table.name, table.handle)
                if kind in RULE_EVENTS:
                    self._note(kind, body)
                elif kind == NEW_GENERATION:
                    self._end_transaction()

    def _note(self, kind: int, body: bytes) -> None:
        family, name = table_of(body)
        if family == INET and kind in TABLE_EVENTS:
            self._replaced.add(name)
        elif family == INET and kind in DAMAGE:
            self._damaged.add(name)
        if family != INET or not self._tables.is_own(name):
            self._changed.set()

    def _end_transaction(self) -> None:
        """Our own loads replace a table whole, so what is taken out of one that stays was taken by others."""
        for name in self._damaged - self._replaced:
            self._tables.damaged(name)
        self._damaged.clear()
        self._replaced.clear()

    async def changes(self) -> AsyncIterator[None]:
        """Yield whenever tables of others have changed, at least once after each change."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            yield

    def _lost(self, name: str) -> None:
        """Called in any thread."""
        self._loop.call_soon_threadsafe(self._tell, name)

    def _tell(self, name: str) -> None:
        _LOG.warning("somebody deleted nftables table inet %s, or parts of it", name)
        if not self._queues:
            self._unheard.append(name)
        for queue in self._queues:
            queue.put_nowait(name)
