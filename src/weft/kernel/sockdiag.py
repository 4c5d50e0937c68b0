"""Sockets of the daemon's own namespace that occupy ports (Linux sock_diag(7), include/uapi/linux/inet_diag.h).

Those of SCTP are read from procfs: sock_diag has them only where another module is loaded.
"""

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from weft.engine.contract.kernel import ANY_IPV4, ANY_IPV6, Listener
from weft.kernel.netlink.channel import NETLINK_SOCK_DIAG, Channel
from weft.kernel.netlink.message import attributes
from weft.model.address import Address
from weft.model.port import Protocol

_BY_FAMILY = 20
_REQUEST = struct.Struct("=BBBxI48x")  # family, protocol, extensions, states; socket id left open
_ANSWER = struct.Struct("=BBBB")  # family, state, timer, retransmits; then the socket id
_SOURCE_PORT = 4
_SOURCE_ADDRESS = 8
_ANSWER_BYTES = 72
_ONLY_IPV6 = 11
_CLOSED = 1 << 7  # how an unconnected UDP socket is shown
_LISTENING = 1 << 10

_SCTP_ENDPOINTS = Path("/proc/thread-self/net/sctp/eps")
_SCTP_PORT = 5  # column; then user, inode, and the addresses

_ASKED = (
    (socket.AF_INET, Protocol.TCP, socket.IPPROTO_TCP, _LISTENING),
    (socket.AF_INET6, Protocol.TCP, socket.IPPROTO_TCP, _LISTENING),
    (socket.AF_INET, Protocol.UDP, socket.IPPROTO_UDP, _CLOSED),
    (socket.AF_INET6, Protocol.UDP, socket.IPPROTO_UDP, _CLOSED),
)


def listeners() -> frozenset[Listener]:
    """Return TCP and SCTP sockets that listen and UDP sockets that are bound; raises OSError.

    A socket on :: that takes IPv4 as well is listed for both families.
    """
    channel = Channel(NETLINK_SOCK_DIAG)
    try:
        found = {
            listener
            for family, protocol, number, states in _ASKED
            for _, body in channel.dump(_BY_FAMILY, _REQUEST.pack(family, number, 0, states))
            for listener in parse(protocol, body)
        }
    finally:
        channel.close()
    try:
        return frozenset(found.union(sctp_listeners(_SCTP_ENDPOINTS.read_text())))
    except FileNotFoundError:  # the kernel has no SCTP, or nobody used it yet
        return frozenset(found)


def sctp_listeners(table: str) -> Iterator[Listener]:
    """Yield the listeners of the kernel's table of SCTP endpoints (net/sctp/proc.c), which holds those that listen.

    It does not say which ones on :: take no IPv4: all count for both families.
    """
    for row in table.splitlines()[1:]:
        columns = row.split()
        for text in columns[_SCTP_PORT + 3 :]:
            port, bound = int(columns[_SCTP_PORT]), ip_address(text)
            yield Listener(Protocol.SCTP, bound, port)
            if bound == ANY_IPV6:
                yield Listener(Protocol.SCTP, ANY_IPV4, port)


def parse(protocol: Protocol, body: bytes) -> Iterator[Listener]:
    """Yield the listeners that one answer stands for; none for a socket without a port."""
    if len(body) < _ANSWER_BYTES:
        return
    family = _ANSWER.unpack_from(body)[0]
    port = int.from_bytes(body[_SOURCE_PORT : _SOURCE_PORT + 2], "big")
    if port == 0:
        return
    if family == socket.AF_INET:
        yield Listener(protocol, IPv4Address(body[_SOURCE_ADDRESS : _SOURCE_ADDRESS + 4]), port)
        return
    bound = IPv6Address(body[_SOURCE_ADDRESS : _SOURCE_ADDRESS + 16])
    address: Address = bound.ipv4_mapped or bound
    yield Listener(protocol, address, port)
    if address == ANY_IPV6 and dict(attributes(body, _ANSWER_BYTES)).get(_ONLY_IPV6) != b"\1":
        yield Listener(protocol, ANY_IPV4, port)


def is_local(address: Address) -> bool:
    """Whether a socket of the calling thread's namespace can be bound to `address`."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
