"""A kept netlink socket: batches of requests in one send, and dumps. It stays in the namespace it was opened in."""

import errno
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Sequence

from weft.kernel.netlink.message import ACK, DUMP, HEADER, REQUEST, Request, attributes, messages, word

NETLINK_ROUTE = 0
NETLINK_SOCK_DIAG = 4
NETLINK_NETFILTER = 12

_SOL_NETLINK = 270
_CAP_ACK = 10
_EXT_ACK = 11
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 1 << 20  # bytes
_ERROR = 2
_DONE = 3
_DUMP_INTERRUPTED = 0x10
_ACK_TLVS = 0x200
_ERROR_HEAD = 4 + HEADER.size  # the error number and the header that it answers
_ERROR_TEXT = 1
_BATCH = 100  # messages a send, so that their acknowledgements fit the receive buffer
_DUMP_ATTEMPTS = 5
_SIOCGIFINDEX = 0x8933


class NetlinkError(OSError):
    """The kernel refused a request: `errno`, and in `detail` the kernel's own words, where it gave some."""

    def __init__(self, number: int, detail: str = "") -> None:
        super().__init__(number, os.strerror(number))
        self.detail = detail


class Channel:
    """One netlink socket. Not for two threads at once."""

    def __init__(self, protocol: int = NETLINK_ROUTE) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        try:
            self.socket.bind((0, 0))
            self.socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
            self.socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except OSError:
            self.socket.close()
            raise
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def transact(self, requests: Sequence[Request], *, trailer: int = 0) -> dict[int, NetlinkError]:
        """Send the requests in order; return the errors by the index of their request.

        The kernel goes on after a request that it refused. Only the last one of a send asks for an acknowledgement:
        errors come unasked. `trailer` requests at the end are never answered, as is the end of a netfilter batch.
        """
        errors: dict[int, NetlinkError] = {}
        for first in range(0, len(requests), _BATCH):
            self._send(requests[first : first + _BATCH], first, errors, trailer)
        return errors

    def dump(self, kind: int, body: bytes) -> list[tuple[int, bytes]]:
        """Return (type, body) of every message that answers a dump; raises NetlinkError.

        A dump that changed under the kernel's hands is made again.
        """
        found: list[tuple[int, bytes]] = []
        for _ in range(_DUMP_ATTEMPTS):
            found, whole = self._dump_once(kind, body)
            if whole:
                break
        return found

    def request(self, kind: int, body: bytes) -> bytes:
        """Return the body of the one message that answers; raises NetlinkError."""
        sequence = self._next()
        self.socket.send(HEADER.pack(HEADER.size + len(body), kind, REQUEST, sequence, 0) + body)
        while True:
            for answer_kind, flags, answered, answer in messages(self.socket.recv(65536)):
                if answered != sequence:
                    continue
                if answer_kind == _ERROR:
                    raise _error_of(answer, flags) or NetlinkError(errno.EPROTO)
                return answer

    def index(self, name: str) -> int:
        """Return a link's index in the socket's namespace; raises OSError (ENODEV)."""
        answer = fcntl.ioctl(self.socket, _SIOCGIFINDEX, struct.pack("16s24x", name.encode()[:15]))
        return int(struct.unpack_from("=i", answer, 16)[0])

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) & 0x7FFFFFFF
        return self._sequence

    def _send(self, requests: Sequence[Request], base: int, errors: dict[int, NetlinkError], trailer: int) -> None:
        buffer = bytearray()
        last = len(requests) - 1 - trailer
        first_sequence = self._sequence + 1
        for place, (kind, flags, body) in enumerate(requests):
            asked = flags | REQUEST | (ACK if place == last else 0)
            buffer += HEADER.pack(HEADER.size + len(body), kind, asked, self._next(), 0) + body
            buffer += bytes(-len(buffer) & 3)
        self.socket.send(buffer)
        while True:
            for kind, flags, sequence, body in messages(self.socket.recv(8192)):
                place = sequence - first_sequence
                if kind != _ERROR or not 0 <= place <= last:
                    continue
                error = _error_of(body, flags)
                if error is not None:
                    errors[base + place] = error
                if place == last or (trailer and place == 0):  # a netfilter batch that fails whole fails at its head
                    return

    def _dump_once(self, kind: int, body: bytes) -> tuple[list[tuple[int, bytes]], bool]:
        sequence = self._next()
        self.socket.send(HEADER.pack(HEADER.size + len(body), kind, REQUEST | DUMP, sequence, 0) + body)
        found: list[tuple[int, bytes]] = []
        whole = True
        while True:
            for answer_kind, flags, answered, answer in messages(self.socket.recv(65536)):
                if answered != sequence:
                    continue
                whole = whole and not flags & _DUMP_INTERRUPTED
                if answer_kind in (_DONE, _ERROR):
                    error = _error_of(answer, flags)
                    if error is not None:
                        raise error
                    return found, whole
                found.append((answer_kind, answer))


def _error_of(body: bytes, flags: int) -> NetlinkError | None:
    code = -int.from_bytes(body[:4], sys.byteorder, signed=True)
    if code == 0:
        return None
    detail = ""
    if flags & _ACK_TLVS:
        detail = next((word(payload) for kind, payload in attributes(body, _ERROR_HEAD) if kind == _ERROR_TEXT), "")
    return NetlinkError(code, detail)
