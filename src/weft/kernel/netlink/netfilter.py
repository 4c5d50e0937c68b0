"""Netfilter's share of netlink: its header, and nftables' tables (Linux include/uapi/linux/netfilter/nf_tables.h)."""

import errno
import struct
from typing import NamedTuple

from weft.kernel.netlink.channel import Channel, NetlinkError
from weft.kernel.netlink.message import attributes, text, word

NFTABLES = 10 << 8
CONNTRACK = 1 << 8
DELETE_TABLE = NFTABLES | 2
DESTROY_TABLE = NFTABLES | 26
NEW_GENERATION = NFTABLES | 15  # the end of a transaction
# What a deletion takes away besides the table itself: chains, rules, sets, in either form.
DAMAGE = frozenset(NFTABLES | kind for kind in (5, 8, 11, 27, 28, 29))
TABLE_EVENTS = frozenset(NFTABLES | kind for kind in (0, 2, 26))
RULE_EVENTS = frozenset(NFTABLES | kind for kind in (3, 6)) | DAMAGE | TABLE_EVENTS
EVENTS_GROUP = 7  # NFNLGRP_NFTABLES
INET = 1  # NFPROTO_INET

_GET_TABLE = NFTABLES | 1
_HEAD = struct.Struct("=BBH")  # family, version, resource
_NAME = 1
_HANDLE = 4
_USER_DATA = 6
_COMMENT = 0  # type of the comment among the user data


class Table(NamedTuple):
    """A table of family inet; `handle` is the kernel's, never used twice in one namespace."""

    name: str
    handle: int
    comment: str


def head(family: int) -> bytes:
    """Return the header that follows netlink's."""
    return _HEAD.pack(family, 0, 0)


def find_table(channel: Channel, name: str) -> Table | None:
    """Return the table of family inet and that name, or None."""
    try:
        return parse_table(channel.request(_GET_TABLE, head(INET) + text(_NAME, name)))
    except NetlinkError as error:
        if error.errno == errno.ENOENT:
            return None
        raise


def list_tables(channel: Channel) -> list[Table]:
    """Return all tables of family inet."""
    return [table for _, body in channel.dump(_GET_TABLE, head(INET)) if (table := parse_table(body)) is not None]


def parse_table(body: bytes) -> Table | None:
    """Return the table that a message tells of, or None if it is of another family."""
    if len(body) < _HEAD.size or body[0] != INET:
        return None
    found = dict(attributes(body, _HEAD.size))
    if _NAME not in found:
        return None
    comment = _comment(found.get(_USER_DATA, b""))
    return Table(word(found[_NAME]), int.from_bytes(found.get(_HANDLE, b""), "big"), comment)


def table_of(body: bytes) -> tuple[int, str]:
    """Return family and name of the table that an event about a table, chain, rule or set belongs to."""
    if len(body) < _HEAD.size:
        return 0, ""
    name = next((value for kind, value in attributes(body, _HEAD.size) if kind == _NAME), b"")
    return body[0], word(name)


def _comment(data: bytes) -> str:
    """User data is a row of (type, length, value), a byte each for the first two."""
    offset = 0
    while offset + 2 <= len(data):
        kind, length = data[offset], data[offset + 1]
        if kind == _COMMENT:
            return word(data[offset + 2 : offset + 2 + length])
        offset += 2 + length
    return ""
