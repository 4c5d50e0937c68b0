"""The `filters` query parameter in both of its encodings."""

import msgspec

from weft.api.backend import Filters
from weft.model.errors import InvalidParameter

_Encoded = dict[str, list[str] | dict[str, bool] | str | None] | None
_DECODER = msgspec.json.Decoder(_Encoded)


def decode_filters(text: str) -> Filters:
    """Return key -> values of `{"k":{"v":true}}` or of the older `{"k":["v"]}`; "" is no filter.

    Raises InvalidParameter `invalid filter` for anything else.
    """
    if not text:
        return {}
    try:
        encoded = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise InvalidParameter("invalid filter") from None
    return {key: _values(value) for key, value in (encoded or {}).items() if value}


def _values(value: list[str] | dict[str, bool] | str | None) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(text for text, wanted in value.items() if wanted)
    if isinstance(value, str):
        return (value,)
    return tuple(value or ())
