"""Routes of the main table as rtnetlink messages (Linux include/uapi/linux/rtnetlink.h)."""

import socket
import struct

from weft.kernel.netlink.message import CREATE, REPLACE, Request, attribute, number
from weft.model.address import Address, Network

NEW_ROUTE = 24
DELETE_ROUTE = 25
GET_ROUTE = 26

MAIN_TABLE = 254
UNICAST = 1

_HEAD = struct.Struct("=BBBBBBBBI")  # family, lengths, tos, table, protocol, scope, type, flags
_DESTINATION = 1
_OUT_LINK = 4
_GATEWAY = 5
_PROTOCOL_STATIC = 4
_SCOPE_LINK = 253
_SCOPE_NOWHERE = 255  # any scope, when deleting


def add_route(destination: Network, gateway: Address | None, index: int) -> Request:
    """Return the request that adds or replaces a route through a link."""
    scope = _SCOPE_LINK if gateway is None and destination.version == 4 else 0
    body = _body(destination, gateway, index, _PROTOCOL_STATIC, scope, UNICAST)
    return Request(NEW_ROUTE, CREATE | REPLACE, body)


def delete_route(destination: Network, gateway: Address | None, index: int) -> Request:
    """Return the request that deletes a route through a link, whoever made it."""
    return Request(DELETE_ROUTE, 0, _body(destination, gateway, index, 0, _SCOPE_NOWHERE, 0))


def _body(destination: Network, gateway: Address | None, index: int, protocol: int, scope: int, kind: int) -> bytes:
    family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    head = _HEAD.pack(family, destination.prefixlen, 0, 0, MAIN_TABLE, protocol, scope, kind, 0)
    body = head + number(_OUT_LINK, index)
    if destination.prefixlen:
        body += attribute(_DESTINATION, destination.network_address.packed)
    if gateway is not None:
        body += attribute(_GATEWAY, gateway.packed)
    return body
