"""Multiplexed streams."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.client.errors import ProtocolError
from weft.client.streams import Demultiplexer, copy_output


def _frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50)), max_size=8), st.integers(1, 20))
def test_any_cut_gives_the_same_streams(frames, piece):
    wire = b"".join(_frame(stream, data) for stream, data in frames)
    demultiplexer = Demultiplexer()
    collected = {1: b"", 2: b""}
    for start in range(0, len(wire), piece):
        for stream, payload in demultiplexer.feed(wire[start : start + piece]):
            collected[stream] += payload
    for stream in (1, 2):
        assert collected[stream] == b"".join(data for number, data in frames if number == stream)


@pytest.mark.parametrize("header", [b"\x04\0\0\0\0\0\0\x01", b"\x01x\0\0\0\0\0\x01", b"plain te"])
def test_no_header(header):
    with pytest.raises(ProtocolError):
        list(Demultiplexer().feed(header))


def test_copy():
    out, err = [], []
    copy_output([_frame(2, b"e"), _frame(1, b"o")], raw=False, stdout=out.append, stderr=err.append)
    copy_output([b"raw"], raw=True, stdout=out.append, stderr=err.append)
    assert (out, err) == ([b"o", b"raw"], [b"e"])
