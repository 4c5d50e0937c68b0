"""Packed messages: read by an independent library what ours wrote, and the other way round."""

from contextlib import suppress

import pytest
from dnslib import EDNS0, DNSHeader, DNSQuestion, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from weft.dns import message
from weft.dns.message import MalformedMessage, encode_name, parse_query, question_of, truncate


def query(name: str, qtype: str = "A", *, edns: int = 0, do: bool = False) -> bytes:
    record = DNSRecord.question(name, qtype)
    if edns:
        record.add_ar(EDNS0(udp_len=edns, flags="do" if do else ""))
    return bytes(record.pack())


def test_a_question_is_parsed_in_lower_case_but_kept_as_it_came() -> None:
    parsed = parse_query(query("WeB.My-Net", "AAAA"))
    assert parsed.name == b"web.my-net"
    assert parsed.type == message.AAAA
    assert parsed.cls == message.CLASS_IN
    assert parsed.question.startswith(b"\x03WeB\x06My-Net\0")
    assert not parsed.has_edns
    assert parsed.udp_size == 512


@pytest.mark.parametrize(("asked", "taken"), [(100, 512), (1232, 1232), (65535, 65507)])
def test_the_size_a_client_takes_comes_from_edns_within_reason(asked: int, taken: int) -> None:
    parsed = parse_query(query("web", edns=asked, do=True))
    assert parsed.udp_size == taken
    assert parsed.has_edns
    assert parsed.dnssec_ok


def test_a_dot_inside_a_label_is_no_separator() -> None:
    packet = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + b"\x07web.net\0" + b"\0\x01\0\x01"
    assert parse_query(packet).name == b"web\\.net"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0" * 11,
        query("web")[:-1],
        query("web")[:14],
        query("web").replace(b"\0\x01\0\0\0\0\0\0", b"\0\x02\0\0\0\0\0\0", 1),  # two questions
        query("web").replace(b"\x03web", b"\xc0\x0ceb"),  # a pointer in a question
        query("web").replace(b"\x03web", b"\x43web"),  # a label of 67 bytes
        query("web", edns=1232)[:-4],  # OPT cut off
        b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + b"\x3f" * 64 * 5 + b"\0\0\x01\0\x01",  # name of 320 bytes
    ],
)
def test_what_is_no_query_is_refused(packet: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_query(packet)


@given(st.binary(max_size=600))
def test_any_bytes_are_parsed_or_refused(packet: bytes) -> None:
    with suppress(MalformedMessage):
        parse_query(packet)
    question_of(packet)


@given(st.binary(min_size=16, max_size=80), st.integers(0, 79), st.integers(0, 255))
def test_a_damaged_query_is_parsed_or_refused(tail: bytes, at: int, value: int) -> None:
    packet = bytearray(query("some.name.example", edns=4096) + tail)
    packet[at % len(packet)] = value
    with suppress(MalformedMessage):
        parse_query(bytes(packet))


def test_an_answer_is_read_back_by_an_independent_library() -> None:
    packet = query("Web", edns=1232)
    parsed = parse_query(packet)
    records = message.record(message.A, 600, bytes([172, 18, 0, 2])) + message.record(
        message.A, 600, bytes([10, 0, 0, 1])
    )
    answer = DNSRecord.parse(packet[:2] + message.head(parsed, 2) + records + message.opt_record(parsed))
    assert answer.header.id == DNSRecord.parse(packet).header.id
    assert (answer.header.qr, answer.header.ra, answer.header.rd, answer.header.tc) == (1, 1, 1, 0)
    assert str(answer.q.qname) == "Web."
    assert [(str(rr.rname), str(rr.rdata), rr.ttl) for rr in answer.rr] == [
        ("Web.", "172.18.0.2", 600),
        ("Web.", "10.0.0.1", 600),
    ]
    assert answer.ar[0].rtype == message.OPT


def test_an_extended_rcode_is_split_over_header_and_opt() -> None:
    packet = query("web", edns=1232)
    answer = packet[:2] + message.reply(parse_query(packet), message.BADVERS)
    parsed = DNSRecord.parse(answer)
    assert parsed.header.rcode == 0
    assert parsed.ar[0].ttl >> 24 == 1


def test_names_that_dns_cannot_carry_have_no_wire_form() -> None:
    assert encode_name(b"a.bc") == b"\1a\2bc\0"
    assert encode_name(b"a" * 64) is None
    assert encode_name(b"a..b") is None
    assert encode_name(b"") is None
    assert encode_name(b".".join([b"a" * 60] * 5)) is None


def test_a_long_response_is_cut_to_its_question_with_tc() -> None:
    record = DNSRecord(DNSHeader(id=77, qr=1, ra=1), q=DNSQuestion("big.example"))
    response = bytes(record.pack()) + b"\0" * 600
    assert truncate(response, 2000) is response
    cut = DNSRecord.parse(truncate(response, 512))
    assert cut.header.id == 77
    assert cut.header.tc == 1
    assert str(cut.q.qname) == "big.example."
    assert not cut.rr
