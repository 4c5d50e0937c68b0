"""DNS messages as packed bytes: questions parsed, answers built (RFC 1035, EDNS by RFC 6891). Pure.

Only what a resolver in front of other resolvers needs: everything else travels through as raw bytes.
"""

from struct import Struct
from typing import NamedTuple

A, PTR, AAAA, OPT = 1, 12, 28, 41
CLASS_IN, CLASS_ANY = 1, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16

HEADER_SIZE = 12
CLASSIC_UDP_SIZE = 512  # RFC 1035 section 4.2.1
LARGEST_UDP_SIZE = 65507  # what fits an IPv4 datagram
LARGEST_MESSAGE = 65535  # RFC 1035 section 4.2.2: the length prefix has 16 bits
ADVERTISED_UDP_SIZE = 1232  # what our OPT record says

QR, OPCODE, TC, RD, RA, CD = 0x8000, 0x7800, 0x0200, 0x0100, 0x0080, 0x0010
DNSSEC_OK = 0x8000
_POINTER = 0xC0
_POINTER_TO_QUESTION = b"\xc0\x0c"
_HEADER = Struct("!6H")
_TYPE_CLASS = Struct("!2H")
_RECORD = Struct("!2sHHIH")  # owner (a pointer), type, class, TTL, length of data
_OPT_REST = Struct("!HHBBHH")  # type, UDP size, extended rcode, version, flags, length: after the root's zero byte


class MalformedMessage(ValueError):
    """The bytes are no DNS query that can be understood."""


class Query(NamedTuple):
    """A query's first question and its EDNS. `name` is lower case, dotted, without the final dot."""

    flags: int
    name: bytes
    type: int
    cls: int
    question: bytes  # as it came, its letters' case kept
    has_edns: bool
    edns_version: int
    udp_size: int  # bytes that the client takes over UDP
    dnssec_ok: bool


def parse_query(packet: bytes) -> Query:
    """Parse a query with exactly one question; raises MalformedMessage."""
    if len(packet) < HEADER_SIZE:
        raise MalformedMessage("shorter than a header")
    _, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(packet)
    if questions != 1:
        raise MalformedMessage("not exactly one question")
    name, end = _parse_name(packet, HEADER_SIZE)
    if end + 4 > len(packet):
        raise MalformedMessage("question cut off")
    qtype, qclass = _TYPE_CLASS.unpack_from(packet, end)
    end += 4
    question = packet[HEADER_SIZE:end]
    if answers or authorities or not additionals:
        return Query(flags, name, qtype, qclass, question, False, 0, CLASSIC_UDP_SIZE, False)
    found = _find_opt(packet, end, additionals)
    if found is None:
        return Query(flags, name, qtype, qclass, question, False, 0, CLASSIC_UDP_SIZE, False)
    size, version, opt_flags = found
    size = min(max(size, CLASSIC_UDP_SIZE), LARGEST_UDP_SIZE)
    return Query(flags, name, qtype, qclass, question, True, version, size, bool(opt_flags & DNSSEC_OK))


def _parse_name(packet: bytes, at: int) -> tuple[bytes, int]:
    """Return the lower-case dotted name at `at` and the offset behind it. A question has nothing to point back to."""
    labels = []
    start = at
    while True:
        if at >= len(packet):
            raise MalformedMessage("name cut off")
        length = packet[at]
        if length == 0:
            break
        if length >= 64:
            raise MalformedMessage("label longer than 63 bytes, or compressed")
        labels.append(packet[at + 1 : at + 1 + length])
        at += 1 + length
    if at + 1 - start > 255:
        raise MalformedMessage("name longer than 255 bytes")
    # A dot inside a label is no separator: escape it as zone files do (RFC 1035 section 5.1), to match nothing.
    return b".".join([label.replace(b".", b"\\.") for label in labels]).lower(), at + 1


def _find_opt(packet: bytes, at: int, records: int) -> tuple[int, int, int] | None:
    """Return UDP size, version and flags of the first OPT record of a query's additional section."""
    for _ in range(records):
        at = _skip_name(packet, at)
        if at + 10 > len(packet):
            raise MalformedMessage("record cut off")
        kind, size, _, version, flags, length = _OPT_REST.unpack_from(packet, at)
        if kind == OPT:
            return size, version, flags
        at += 10 + length
    return None


def _skip_name(packet: bytes, at: int) -> int:
    """Return the offset behind a name that may end in a pointer."""
    while at < len(packet):
        length = packet[at]
        if length == 0:
            return at + 1
        if length & _POINTER == _POINTER:
            return at + 2
        if length >= 64:
            break
        at += 1 + length
    raise MalformedMessage("name cut off")


def encode_name(name: bytes) -> bytes | None:
    """Return a dotted name as labels, or None where a label or the whole is too long for DNS."""
    labels = name.split(b".")
    if any(not 0 < len(label) < 64 for label in labels):
        return None
    wire = b"".join([bytes((len(label),)) + label for label in labels]) + b"\0"
    return wire if len(wire) <= 255 else None


def record(kind: int, ttl: int, data: bytes) -> bytes:
    """Return a record of class IN whose owner is the question's name (12 bytes, then the data)."""
    return _RECORD.pack(_POINTER_TO_QUESTION, kind, CLASS_IN, ttl, len(data)) + data


def opt_record(query: Query, rcode: int = NOERROR) -> bytes:
    """Return the OPT record of an answer, empty where the query had none (RFC 6891 section 6.1.1)."""
    if not query.has_edns:
        return b""
    flags = DNSSEC_OK if query.dnssec_ok else 0
    return b"\0" + _OPT_REST.pack(OPT, ADVERTISED_UDP_SIZE, rcode >> 4, 0, flags, 0)


def head(query: Query, answers: int = 0, rcode: int = NOERROR, *, truncated: bool = False) -> bytes:
    """Return header and question of an answer without its first two bytes, the id."""
    flags = QR | query.flags & (OPCODE | RD | CD) | RA | rcode & 0xF
    if truncated:
        flags |= TC
    return _HEADER.pack(0, flags, 1, answers, 0, int(query.has_edns))[2:] + query.question


def reply(query: Query, rcode: int = NOERROR) -> bytes:
    """Return an answer without records and without its id."""
    return head(query, 0, rcode) + opt_record(query, rcode)


def bare_error(packet: bytes, rcode: int) -> bytes:
    """Return an error for a query that could not be parsed: a header alone. `packet` has a header."""
    ident, flags, *_ = _HEADER.unpack_from(packet)
    return _HEADER.pack(ident, QR | flags & (OPCODE | RD) | RA | rcode, 0, 0, 0, 0)


def rcode_of(response: bytes) -> int:
    """Return the response code in a message's header."""
    return response[3] & 0xF


def is_truncated(response: bytes) -> bool:
    """Whether a message has TC set."""
    return bool(response[2] & TC >> 8)


def question_of(message: bytes) -> bytes | None:
    """Return the bytes of the first question in lower case, or None where there is none or it is malformed."""
    if len(message) < HEADER_SIZE or message[4:6] != b"\0\1":
        return None
    try:
        end = _skip_name(message, HEADER_SIZE) + 4
    except MalformedMessage:
        return None
    return message[HEADER_SIZE:end].lower() if end <= len(message) else None


def truncate(response: bytes, limit: int) -> bytes:
    """Return the response if it fits `limit` bytes, else its header and question with TC set (RFC 2181 section 9)."""
    if len(response) <= limit:
        return response
    question = question_of(response) or b""
    ident, flags, *_ = _HEADER.unpack_from(response)
    asked = response[HEADER_SIZE : HEADER_SIZE + len(question)]
    return _HEADER.pack(ident, flags | TC, int(bool(question)), 0, 0, 0) + asked
