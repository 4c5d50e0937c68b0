"""Request bodies: JSON, checked for its type and size before it is decoded."""

import re
from typing import TypeVar

import msgspec
from aiohttp import web

from weft.api.call import Call, incoming
from weft.model.errors import InvalidParameter

MAXIMUM_BYTES = 8 * 1024 * 1024  # inline seccomp profiles are the largest bodies that clients send
_JSON = "application/json"
_T = TypeVar("_T")
_LOCATION = re.compile(r" - at `(?:key in )?\$(?P<path>.*)`$")
_POSITION = re.compile(r"^JSON is malformed: ")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # the escape, not an escaped backslash before u0000


async def read_json(call: Call, decoder: msgspec.json.Decoder[_T], *, empty: _T | None = None) -> _T:
    """Return the decoded body; where there is none, `empty`, or an error if the endpoint needs one.

    Raises InvalidParameter with Docker's texts for a wrong content type or malformed JSON, and naming the field for a
    wrong type. The decoder is the one that the route declares, else LookupError.
    """
    if call.takes.body is not decoder:
        raise LookupError("the route does not declare this body")
    data = await read_limited(call.request)
    content_type = call.request.headers.get("Content-Type", "")
    if data or content_type:
        _check_content_type(content_type)
    if not data.strip():
        if empty is None:
            raise InvalidParameter("invalid JSON: got EOF while reading request body")
        return empty
    return decode(data, decoder)


def decode(data: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """Decode JSON, or raise InvalidParameter saying what is wrong with it and where."""
    if _NUL.search(data):
        raise InvalidParameter("invalid JSON: a text holds a NUL character, which no name, path or argument can")
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise InvalidParameter(_wrong_type(str(error))) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidParameter(_malformed(str(error))) from None
    except RecursionError:
        raise InvalidParameter("invalid JSON: nested too deeply") from None


async def read_limited(request: web.BaseRequest) -> bytes:
    """Return the whole body, or raise InvalidParameter if it is larger than MAXIMUM_BYTES."""
    if not request.can_read_body:
        return b""
    if (request.content_length or 0) > MAXIMUM_BYTES:
        raise _too_large()
    data = bytearray()
    async for chunk in incoming(request):
        data += chunk
        if len(data) > MAXIMUM_BYTES:
            raise _too_large()
    return bytes(data)


def _too_large() -> InvalidParameter:
    return InvalidParameter(
        f"request body is larger than {MAXIMUM_BYTES // 1048576} MiB, which no endpoint needs as JSON"
    )


def _check_content_type(content_type: str) -> None:
    mime = content_type.partition(";")[0].strip().lower()
    if not mime:
        raise InvalidParameter("malformed Content-Type header (): mime: no media type")
    if mime != _JSON:
        raise InvalidParameter(f"unsupported Content-Type header ({content_type}): must be '{_JSON}'")


def _malformed(reason: str) -> str:
    if "trailing characters" in reason:
        return "unexpected content after JSON"
    if "truncated" in reason:
        return "invalid JSON: unexpected EOF"
    return f"invalid JSON: {_POSITION.sub('', reason)}"


def _wrong_type(reason: str) -> str:
    """Turn ``Expected `str`, got `int` - at `$.HostConfig.Memory` `` into a sentence that names the field."""
    location = _LOCATION.search(reason)
    what = _LOCATION.sub("", reason).replace("`", "")
    what = what[:1].lower() + what[1:]
    field = location["path"].lstrip(".") if location else ""
    return f"invalid JSON: field {field}: {what}" if field else f"invalid JSON: {what}"
