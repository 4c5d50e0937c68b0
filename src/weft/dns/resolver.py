"""Answers a query from a view, or says which servers to ask. Pure but for the view's memory of finished answers."""

from typing import NamedTuple

from weft.dns import message
from weft.dns.message import MalformedMessage, Query
from weft.dns.view import Rotation, Upstream, View

TTL = 600  # seconds
_FAMILY_SIZE = {message.A: 4, message.AAAA: 16}
_LONGEST_REMEMBERED = 512  # bytes of a query
_IPV4_SUFFIX = b".in-addr.arpa"
_IPV6_SUFFIX = b".ip6.arpa"


class Forward(NamedTuple):
    """Ask these servers in order; the client takes `limit` bytes. None of them: SERVFAIL."""

    upstreams: tuple[Upstream, ...]
    limit: int


def handle(packet: bytes, view: View, turn: int = 0, *, stream: bool = False) -> bytes | Forward | None:
    """Return the answer to a query, or whom to ask, or None where silence is right.

    `turn` says which of several addresses comes first: any number, another one each time. `stream` is TCP, where an
    answer may have 65,535 bytes; over UDP it is cut to what the client takes, with TC set.
    """
    if not stream:
        known = view.answers.get(packet[2:])
        if known is not None:
            return packet[:2] + (known if known.__class__ is bytes else _rotate(known, turn))  # type: ignore[arg-type]
    if len(packet) < message.HEADER_SIZE or packet[2] & 0x80:
        return None  # too short to answer, or itself an answer
    try:
        query = message.parse_query(packet)
    except MalformedMessage:
        return message.bare_error(packet, message.FORMERR)
    return _answer(packet, query, view, turn, message.LARGEST_MESSAGE if stream else query.udp_size, stream)


def failure(packet: bytes, rcode: int) -> bytes:
    """Return an answer to `packet` that says no more than `rcode`."""
    try:
        return packet[:2] + message.reply(message.parse_query(packet), rcode)
    except MalformedMessage:
        return message.bare_error(packet, rcode)


def _answer(packet: bytes, query: Query, view: View, turn: int, limit: int, stream: bool) -> bytes | Forward:
    if query.flags & message.OPCODE:
        return packet[:2] + message.reply(query, message.NOTIMP)
    if query.edns_version:
        return packet[:2] + message.reply(query, message.BADVERS)
    if query.cls not in (message.CLASS_IN, message.CLASS_ANY):
        return Forward(view.upstreams, limit)
    found = _pointer(query, view) if query.type == message.PTR else None
    if found is None:
        found = _records(query, view)
    if found is None:
        return Forward(view.upstreams, limit)
    built = _build(query, found, limit)
    if not stream and len(packet) <= _LONGEST_REMEMBERED:
        view.remember(packet[2:], built)
    return packet[:2] + (built if isinstance(built, bytes) else _rotate(built, turn))


def _records(query: Query, view: View) -> list[bytes] | None:
    """Return the records of a known name, none where it has no such type; None where the name is unknown."""
    size = _FAMILY_SIZE.get(query.type)
    known = False
    for network, zone in view.zones:
        addresses = zone.addresses(query.name)
        if addresses is None and query.name.endswith(b"." + network):
            addresses = zone.addresses(query.name[: -len(network) - 1])
        if addresses is None:
            continue
        known = True
        records = [message.record(query.type, TTL, address) for address in addresses if len(address) == size]
        if records:
            return records
    if not known and view.ndots > 0 and size and b"." not in query.name:
        known = True  # the user's ndots: a bare name is for the search list, which the client walks
    return [] if known else None


def _pointer(query: Query, view: View) -> list[bytes] | None:
    """Return the PTR record of an address that an endpoint has, else None."""
    address = reversed_address(query.name)
    if address is None:
        return None
    for network, zone in view.zones:
        name = zone.name_of(address)
        target = message.encode_name(name + b"." + network) if name is not None else None
        if target is not None:
            return [message.record(message.PTR, TTL, target)]
    return None


def reversed_address(name: bytes) -> bytes | None:
    """Return the packed address of an in-addr.arpa (RFC 1035 section 3.5) or ip6.arpa (RFC 3596) name, or None."""
    if name.endswith(_IPV4_SUFFIX):
        parts = name[: -len(_IPV4_SUFFIX)].split(b".")
        if len(parts) == 4 and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts):
            return bytes(int(part) for part in reversed(parts))
    elif name.endswith(_IPV6_SUFFIX):
        nibbles = name[: -len(_IPV6_SUFFIX)].split(b".")
        if len(nibbles) == 32 and all(len(n) == 1 and n in b"0123456789abcdef" for n in nibbles):
            return bytes.fromhex(b"".join(reversed(nibbles)).decode())
    return None


def _build(query: Query, records: list[bytes], limit: int) -> bytes | Rotation:
    """Return the finished answer without its id; as many records as fit, with TC where they do not all."""
    tail = message.opt_record(query)
    unit = len(records[0]) if records else 0
    room = limit - message.HEADER_SIZE - len(query.question) - len(tail)
    shown = min(len(records), max(room, 0) // unit) if records else 0
    head = message.head(query, shown, truncated=shown < len(records))
    if len(records) < 2:
        return head + b"".join(records[:shown]) + tail
    return Rotation(head, b"".join(records) * 2, unit, len(records), shown * unit, tail)


def _rotate(answer: Rotation, turn: int) -> bytes:
    head, ring, unit, count, shown, tail = answer
    start = turn % count * unit
    return head + ring[start : start + shown] + tail
