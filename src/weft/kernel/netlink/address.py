"""Addresses of links as rtnetlink messages (Linux include/uapi/linux/if_addr.h)."""

import socket
import struct

from weft.kernel.netlink.message import CREATE, EXCLUSIVE, Request, attribute
from weft.model.address import Interface

NEW_ADDRESS = 20
DELETE_ADDRESS = 21
GET_ADDRESS = 22

_HEAD = struct.Struct("=BBBBi")  # family, prefix length, flags, scope, link index
_ADDRESS = 1
_LOCAL = 2
_BROADCAST = 4
_NO_DAD = 0x02
_SCOPE_HOST = 254
_POINT_TO_POINT = 31  # from this prefix length on there is no broadcast address (RFC 3021)


def add_address(interface: Interface, index: int) -> Request:
    """Return the request that puts an address on a link, with its broadcast address, without duplicate detection."""
    body = _body(interface, index)
    if interface.version == 4 and interface.network.prefixlen < _POINT_TO_POINT:
        body += attribute(_BROADCAST, interface.network.broadcast_address.packed)
    return Request(NEW_ADDRESS, CREATE | EXCLUSIVE, body)


def delete_address(interface: Interface, index: int) -> Request:
    """Return the request that takes an address off a link."""
    return Request(DELETE_ADDRESS, 0, _body(interface, index))


def _body(interface: Interface, index: int) -> bytes:
    family, flags = (socket.AF_INET, 0) if interface.version == 4 else (socket.AF_INET6, _NO_DAD)
    scope = _SCOPE_HOST if interface.version == 4 and interface.is_loopback else 0
    packed = interface.ip.packed
    head = _HEAD.pack(family, interface.network.prefixlen, flags, scope, index)
    return head + attribute(_LOCAL, packed) + attribute(_ADDRESS, packed)
