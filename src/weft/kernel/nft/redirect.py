"""The table that redirects port 53 of a sandbox, as one prebuilt batch (Linux uapi/linux/netfilter/nf_tables.h).

It is what nft(8) makes of the text below, without the price of a libnftables context in every sandbox:

    table inet weft_dns {
        chain output {
            type nat hook output priority -100; policy accept;
            ip daddr 127.0.0.11 udp dport 53 dnat ip to 127.0.0.11:<udp>
            ip daddr 127.0.0.11 tcp dport 53 dnat ip to 127.0.0.11:<tcp>
        }
    }
"""

import socket
import struct

from weft.engine.contract.kernel import LOOPBACK_DNS
from weft.kernel.netlink.channel import Channel
from weft.kernel.netlink.message import CREATE, EXCLUSIVE, Request, attribute, nested, text
from weft.kernel.netlink.netfilter import INET, NFTABLES, head

TABLE = "weft_dns"

_BATCH_BEGIN = 16
_BATCH_END = 17
_NEW_TABLE = NFTABLES | 0
_DELETE_TABLE = NFTABLES | 2
_NEW_CHAIN = NFTABLES | 3
_NEW_RULE = NFTABLES | 6
_APPEND = 0x800

_CHAIN = "output"
_HOOK_OUTPUT = 3
_PRIORITY = -100
_ACCEPT = 1
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_META_NFPROTO, _META_L4PROTO = 15, 16
_DESTINATION_NAT = 1
_PORT_SPECIFIED = 2


def _be32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack(">i", value))


def _expression(name: str, *parts: bytes) -> bytes:
    """A list element of name and data."""
    return nested(1, text(1, name), nested(2, *parts))


def _value(kind: int, value: bytes) -> bytes:
    return nested(kind, attribute(1, value))


def _equals(value: bytes) -> bytes:
    """Register 1 equals a value, or the rule ends."""
    return _expression("cmp", _be32(1, 1), _be32(2, 0), _value(3, value))


def _meta(key: int) -> bytes:
    """Load packet metadata into register 1."""
    return _expression("meta", _be32(2, key), _be32(1, 1))


def _payload(base: int, offset: int, length: int) -> bytes:
    """Load bytes of a header into register 1."""
    return _expression("payload", _be32(1, 1), _be32(2, base), _be32(3, offset), _be32(4, length))


def _immediate(register: int, value: bytes) -> bytes:
    return _expression("immediate", _be32(1, register), _value(2, value))


def _match(protocol: int) -> bytes:
    return (
        _meta(_META_NFPROTO)
        + _equals(bytes([socket.AF_INET]))
        + _payload(_NETWORK_HEADER, 16, 4)
        + _equals(LOOPBACK_DNS.packed)
        + _meta(_META_L4PROTO)
        + _equals(bytes([protocol]))
        + _payload(_TRANSPORT_HEADER, 2, 2)
        + _equals(struct.pack(">H", 53))
        + _immediate(1, LOOPBACK_DNS.packed)
    )


_NFTABLES_BATCH = struct.pack(">BBH", 0, 0, NFTABLES >> 8)
_BEGIN = Request(_BATCH_BEGIN, 0, _NFTABLES_BATCH)
_END = Request(_BATCH_END, 0, _NFTABLES_BATCH)
_MAKE_TABLE = Request(_NEW_TABLE, CREATE | EXCLUSIVE, head(INET) + text(1, TABLE))
_ENSURE_TABLE = Request(_NEW_TABLE, CREATE, head(INET) + text(1, TABLE))
_DROP_TABLE = Request(_DELETE_TABLE, 0, head(INET) + text(1, TABLE))
_MAKE_CHAIN = Request(
    _NEW_CHAIN,
    CREATE,
    head(INET)
    + text(1, TABLE)
    + text(3, _CHAIN)
    + text(7, "nat")
    + _be32(5, _ACCEPT)
    + nested(4, _be32(1, _HOOK_OUTPUT), _be32(2, _PRIORITY)),
)
_RULE_HEAD = head(INET) + text(1, TABLE) + text(2, _CHAIN)
_TRANSLATE = _expression(
    "nat", _be32(1, _DESTINATION_NAT), _be32(2, socket.AF_INET), _be32(3, 1), _be32(5, 2), _be32(7, _PORT_SPECIFIED)
)
_MATCH_UDP = _match(socket.IPPROTO_UDP)
_MATCH_TCP = _match(socket.IPPROTO_TCP)


def redirect(channel: Channel, udp: int, tcp: int, *, anew: bool) -> None:
    """Load the table through a netfilter channel of the sandbox, in one transaction; raises NetlinkError.

    `anew` replaces the table of an earlier load, which is dearer; without it a table that is there is EEXIST.
    """
    first = [_ENSURE_TABLE, _DROP_TABLE, _MAKE_TABLE] if anew else [_MAKE_TABLE]
    rules = [_rule(_MATCH_UDP, udp), _rule(_MATCH_TCP, tcp)]
    errors = channel.transact([_BEGIN, *first, _MAKE_CHAIN, *rules, _END], trailer=1)
    for error in errors.values():
        raise error


def _rule(match: bytes, port: int) -> Request:
    expressions = match + _immediate(2, struct.pack(">H", port)) + _TRANSLATE
    return Request(_NEW_RULE, CREATE | _APPEND, _RULE_HEAD + nested(4, expressions))
