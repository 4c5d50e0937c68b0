"""The multiplexed framing of attach, exec and logs without a terminal (Engine API, ContainerAttach)."""

from collections.abc import Callable, Iterable, Iterator

from weft.client.errors import ProtocolError

STDIN, STDOUT, STDERR, SYSTEM = range(4)
HEADER = 8  # one byte of stream, three zero bytes, four bytes of length, big-endian


class Demultiplexer:
    """Takes bytes as they come, gives (stream, payload) pairs; payloads may be parts of a frame."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._stream = STDOUT
        self._remaining = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield what `data` completes; raises ProtocolError for a header that is none."""
        self._pending += data
        while self._pending:
            if self._remaining == 0 and not self._header():
                return
            payload = bytes(self._pending[: self._remaining])
            del self._pending[: len(payload)]
            self._remaining -= len(payload)
            if payload:
                yield self._stream, payload

    def _header(self) -> bool:
        if len(self._pending) < HEADER:
            return False
        stream = self._pending[0]
        if stream > SYSTEM or any(self._pending[1:4]):
            raise ProtocolError(f"unrecognized stream header {bytes(self._pending[:HEADER])!r} in the daemon's output")
        self._stream = stream
        self._remaining = int.from_bytes(self._pending[4:HEADER], "big")
        del self._pending[:HEADER]
        return True


def copy_output(
    chunks: Iterable[bytes], *, raw: bool, stdout: Callable[[bytes], object], stderr: Callable[[bytes], object]
) -> None:
    """Write a log or output stream to `stdout` and `stderr`; `raw` streams (terminals) all go to `stdout`."""
    demultiplexer = Demultiplexer()
    for data in chunks:
        if raw:
            stdout(data)
            continue
        for stream, payload in demultiplexer.feed(data):
            (stderr if stream in (STDERR, SYSTEM) else stdout)(payload)
