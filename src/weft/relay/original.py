"""Where a redirected connection was going (Linux net/netfilter/nf_conntrack_proto.c, IP6T_SO_ORIGINAL_DST)."""

import socket
import struct

_ORIGINAL_DESTINATION = 80
_ADDRESS = struct.Struct("=H2s4s16sI")  # struct sockaddr_in6


def original_destination(sock: socket.socket) -> tuple[str, int]:
    """Return the address and port that an accepted IPv6 connection was made to; OSError where nothing redirected it."""
    raw = sock.getsockopt(socket.IPPROTO_IPV6, _ORIGINAL_DESTINATION, _ADDRESS.size)
    _, port, _, address, _ = _ADDRESS.unpack(raw)
    return socket.inet_ntop(socket.AF_INET6, address), int.from_bytes(port)
