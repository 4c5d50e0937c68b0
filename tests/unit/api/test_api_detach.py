"""Detach keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.api.streams.detach import DEFAULT, DetachScanner, parse_keys
from weft.model.errors import InvalidParameter


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", DEFAULT),
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("a", b"a"),
        ("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\x00\x1b\x1c\x1d\x1e\x1f"),
        ("DEL,x", b"\x7fx"),
    ],
)
def test_keys(text: str, keys: bytes) -> None:
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["zzz", "ctrl-", "ctrl-A", "a,", ",", "é", "ctrl-p ctrl-q"])
def test_wrong_keys(text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        parse_keys(text)
    assert caught.value.message == f"Invalid detach keys ({text}) provided"


@pytest.mark.parametrize(
    ("keys", "pieces", "passed", "detached"),
    [
        (b"\x10\x11", [b"abc"], b"abc", False),
        (b"\x10\x11", [b"a\x10", b"\x11b"], b"a", True),
        (b"\x10\x11", [b"\x10", b"x"], b"\x10x", False),
        (b"\x10\x11", [b"\x10\x10\x11"], b"\x10", True),
        (b"aab", [b"aa", b"ab"], b"a", True),
        (b"aab", [b"aac"], b"aac", False),
        (b"q", [b"xq"], b"x", True),
    ],
)
def test_scanner(keys: bytes, pieces: list[bytes], passed: bytes, detached: bool) -> None:
    scanner = DetachScanner(keys)
    results = [scanner.feed(piece) for piece in pieces]
    assert b"".join(data for data, _ in results) == passed
    assert results[-1][1] is detached


@given(st.lists(st.binary(max_size=6)), st.binary(min_size=1, max_size=3))
def test_the_scanner_finds_the_first_occurrence_and_loses_nothing(pieces: list[bytes], keys: bytes) -> None:
    scanner, passed, whole = DetachScanner(keys), b"", b"".join(pieces)
    for piece in pieces:
        data, detached = scanner.feed(piece)
        passed += data
        if detached:
            assert passed == whole[: whole.index(keys)]
            return
    assert keys not in whole
    assert whole.startswith(passed)
    assert keys.startswith(whole[len(passed) :])
