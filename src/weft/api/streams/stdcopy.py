"""Multiplexed output (Engine API v1.51, ContainerAttach, "Stream format").

A frame is one byte for the stream (0 stdin, 1 stdout, 2 stderr), three zero bytes, the length of the data as a
big-endian 32-bit number, and the data.
"""

import struct

_HEADER = struct.Struct(">BxxxL")
RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
_MULTIPLEXED_SINCE = (1, 42)


def header(stream: int, length: int) -> bytes:
    """Return the header of a frame."""
    return _HEADER.pack(stream, length)


def content_type(version: tuple[int, int], *, tty: bool) -> str:
    """Return the media type that a client of that version expects: before 1.42 frames had no name of their own."""
    return RAW if tty or version < _MULTIPLEXED_SINCE else MULTIPLEXED
