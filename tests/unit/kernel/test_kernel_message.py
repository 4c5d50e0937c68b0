"""Netlink messages and attributes."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from weft.kernel.netlink.message import HEADER, attribute, attributes, messages, nested, number, text, word


def test_attribute_is_padded_to_four_bytes() -> None:
    assert attribute(3, b"eth0\0") == struct.pack("=HH", 9, 3) + b"eth0\0\0\0\0"


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40))))
def test_attributes_come_back(pairs: list[tuple[int, bytes]]) -> None:
    data = b"".join(attribute(kind, payload) for kind, payload in pairs)
    assert list(attributes(data)) == pairs


@given(st.binary(max_size=200))
def test_malformed_input_ends_quietly(data: bytes) -> None:
    list(attributes(data))
    list(messages(data))


def test_nested_text_and_number() -> None:
    outer = dict(attributes(nested(18, text(1, "veth"), number(4, 1500))))
    inner = dict(attributes(outer[18]))
    assert word(inner[1]) == "veth"
    assert struct.unpack("=I", inner[4]) == (1500,)


def test_messages_of_one_datagram() -> None:
    body = b"\1\2\3\4"
    datagram = b"".join(HEADER.pack(20, kind, 0, sequence, 0) + body for kind, sequence in ((2, 7), (3, 8)))
    assert list(messages(datagram)) == [(2, 0, 7, body), (3, 0, 8, body)]
