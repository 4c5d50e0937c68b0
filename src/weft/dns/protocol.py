"""What the daemon and weft-dns say to each other: frames of JSON over a stream socket, descriptors beside them.

A frame is a length of four bytes, big-endian, and a JSON list: `[number, verb, arguments…]` from the daemon,
`[number, "ok", result]` or `[number, "error", text]` back. JSON, since a schema library would cost this process a third
of its memory.
"""

import json
from typing import Any

from weft.dns.view import ViewSpec

PROTOCOL = 2  # raised whenever an older process would misunderstand
SOCKET_NAME = "dns.sock"
LARGEST_FRAME = 64 * 1024 * 1024  # bytes
DESCRIPTORS_AN_OPEN = 2  # UDP, then TCP
MOST_DESCRIPTORS = 64  # in one message
_PREFIX = 4


class BadFrame(ValueError):
    """The peer speaks something else."""


def encode(number: int, verb: str, *arguments: Any) -> bytes:
    """Return a frame."""
    body = json.dumps([number, verb, *arguments], separators=(",", ":")).encode()
    return len(body).to_bytes(_PREFIX, "big") + body


class Decoder:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._arrived = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, str, list[Any]]]:
        """Return the frames that are now complete; raises BadFrame."""
        self._arrived += data
        frames = []
        while len(self._arrived) >= _PREFIX:
            end = int.from_bytes(self._arrived[:_PREFIX], "big") + _PREFIX
            if end > LARGEST_FRAME:
                raise BadFrame(f"frame of {end} bytes")
            if len(self._arrived) < end:
                break
            frames.append(_decode(bytes(self._arrived[_PREFIX:end])))
            del self._arrived[:end]
        return frames


def _decode(body: bytes) -> tuple[int, str, list[Any]]:
    try:
        frame = json.loads(body)
    except ValueError as error:
        raise BadFrame(str(error)) from error
    if not isinstance(frame, list) or len(frame) < 2 or not isinstance(frame[0], int) or not isinstance(frame[1], str):
        raise BadFrame("not a frame of this protocol")
    return frame[0], frame[1], frame[2:]


def pack_view(spec: ViewSpec) -> list[Any]:
    """Return a view as JSON values."""
    return list(spec)


def unpack_view(values: Any) -> ViewSpec:
    """Return the view; raises BadFrame."""
    try:
        networks, host, inside, ndots, internal, links = values
        return ViewSpec(
            tuple((str(ident), str(name)) for ident, name in networks),
            tuple(str(address) for address in host),
            tuple(str(address) for address in inside),
            int(ndots),
            bool(internal),
            tuple((str(ident), str(alias), str(name)) for ident, alias, name in links),
        )
    except (TypeError, ValueError) as error:
        raise BadFrame(f"not a view: {error}") from error
