"""Host ports for plugins that forward them: a plugin wants a number where a user leaves the choice."""

import errno
import socket
from collections.abc import Iterable

from weft.model.address import Address
from weft.model.errors import Conflict, SystemFailure
from weft.model.port import PortRequest, Protocol

_KINDS = {
    Protocol.TCP: (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    Protocol.UDP: (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    Protocol.SCTP: (socket.SOCK_STREAM, socket.IPPROTO_SCTP),
}


def choose_ports(requests: Iterable[PortRequest]) -> tuple[tuple[PortRequest, int], ...]:
    """Return a host port for each request, one that nothing on the host listens on at this moment.

    Conflict in Docker's words where all that a request allows are taken, SystemFailure for an address that is not the
    host's.
    """
    return tuple((request, _choose(request)) for request in requests)


def _choose(request: PortRequest) -> int:
    for port in range(request.host_first, request.host_last + 1):
        if found := _bound(request, port):
            return found
    shown = _shown(request.host_address)
    if request.host_first == request.host_last:
        raise Conflict(f"Bind for {shown}:{request.host_first} failed: port is already allocated")
    raise Conflict(f"Bind for {shown}:{request.host_first}-{request.host_last} failed: all ports are allocated")


def _bound(request: PortRequest, port: int) -> int:
    """Return the number of a port that can be bound, 0 where it cannot."""
    address = request.host_address
    family = socket.AF_INET6 if address is not None and address.version == 6 else socket.AF_INET
    kind, protocol = _KINDS[request.container_port.protocol]
    try:
        with socket.socket(family, kind, protocol) as tried:
            if kind == socket.SOCK_STREAM:  # connections of an earlier server that linger do not matter
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((str(address) if address is not None else "", port))
            return int(tried.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return 0
        raise SystemFailure(
            f"failed to bind host port {_shown(address)}:{port}/{request.container_port.protocol.value}: "
            f"{(error.strerror or str(error)).lower()}"
        ) from error


def _shown(address: Address | None) -> str:
    if address is None:
        return "0.0.0.0"  # noqa: S104 - as Docker writes every address
    return f"[{address}]" if address.version == 6 else str(address)
