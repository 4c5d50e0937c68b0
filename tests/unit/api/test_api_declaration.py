"""A call is held to what its route declares."""

from unittest.mock import MagicMock

import msgspec
import pytest

from weft.api.body import read_json
from weft.api.call import Call
from weft.api.declaration import Takes, filters, flag, header, moment, number, takes, text, texts
from weft.api.version import MAXIMUM

_DECODER = msgspec.json.Decoder(dict[str, int])


def _call(declared: Takes) -> Call:
    return Call(MagicMock(), MAXIMUM, "", declared)


def test_what_is_not_declared_cannot_be_read() -> None:
    call = _call(takes())
    for read in (call.text, call.texts, call.flag, call.number, call.time, call.header):
        with pytest.raises(LookupError, match="declares no parameter all"):
            read("all")
    with pytest.raises(LookupError):
        call.filters()


def test_a_parameter_is_read_as_it_is_declared() -> None:
    call = _call(takes(text("a"), texts("b"), flag("c"), number("d"), moment("e"), filters(), header("f")))
    for read, key in ((call.text, "c"), (call.flag, "a"), (call.texts, "a"), (call.number, "a"), (call.header, "a")):
        with pytest.raises(LookupError):
            read(key)


async def test_a_body_is_read_as_it_is_declared() -> None:
    with pytest.raises(LookupError):
        await read_json(_call(takes()), _DECODER)
    with pytest.raises(LookupError):
        await read_json(_call(takes(body=msgspec.json.Decoder(dict[str, int]))), _DECODER)
    with pytest.raises(LookupError):
        await anext(_call(takes(body=_DECODER)).chunks())
