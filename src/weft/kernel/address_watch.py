"""Watches the addresses of the daemon's own namespace come and go (rtnetlink(7), RTMGRP_IPV4_IFADDR and IPv6's)."""

import asyncio
import errno
import struct
from collections.abc import AsyncIterator

from weft.kernel.netlink.channel import Channel
from weft.kernel.netlink.message import messages

_HEAD = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
_SCOPE_LINK = 253
_SOL_NETLINK = 270
_ADD_MEMBERSHIP = 1
_IPV4_ADDRESSES, _IPV6_ADDRESSES = 5, 9  # RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR


class AddressWatch:
    """Says that something changed, not what: who hears it looks at the whole. Link-local addresses do not count."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = asyncio.Event()
        self._channel = Channel()
        for group in (_IPV4_ADDRESSES, _IPV6_ADDRESSES):
            self._channel.socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        self._channel.socket.setblocking(False)
        loop.add_reader(self._channel.socket, self._drain)

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._channel.socket)
        self._channel.close()

    async def changes(self) -> AsyncIterator[None]:
        """Yield whenever addresses changed since the last time; for one caller."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            yield

    def _drain(self) -> None:
        while True:
            try:
                data = self._channel.socket.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._changed.set()  # some were lost, and that says enough
                continue
            if any(_leads_beyond_its_link(body) for _, _, _, body in messages(data)):
                self._changed.set()


def _leads_beyond_its_link(body: bytes) -> bool:
    # each endpoint's interface gets a link-local address, and no subnet with it
    return len(body) >= _HEAD.size and _HEAD.unpack_from(body)[3] < _SCOPE_LINK
