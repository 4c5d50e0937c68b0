"""Which host ports belong to which request, and what is left of both when ports are withdrawn; pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from weft.engine.sandbox.ports import requests_of
from weft.model.container import NetworkingSpec
from weft.model.errors import Conflict, NotFound
from weft.model.port import PortRequest, PublishedPort


@dataclass(frozen=True, slots=True)
class Binding:
    """A request and the ports in force for it: one an address family, none where nothing leads to the container."""

    request: PortRequest
    ports: tuple[PublishedPort, ...] = ()


def bindings_of(requests: Sequence[PortRequest], published: Iterable[PublishedPort]) -> tuple[Binding, ...]:
    """Return a binding a request, in their order; requests that leave the choice get what the others left."""
    free = list(published)
    found: dict[int, tuple[PublishedPort, ...]] = {}
    for place in sorted(range(len(requests)), key=lambda each: _vagueness(requests[each])):
        ports = _ports_of(requests[place], free)
        free = [port for port in free if port not in ports or not port.host_port]
        found[place] = ports
    return tuple(Binding(request, found[place]) for place, request in enumerate(requests))


def _vagueness(request: PortRequest) -> tuple[int, bool]:
    span = 2 if not request.host_first else int(request.host_first != request.host_last)
    return span, request.host_address is None


def _ports_of(request: PortRequest, free: Iterable[PublishedPort]) -> tuple[PublishedPort, ...]:
    """Return the ports of one number, an address each, that this request may have come to.

    A port of a routed network has no number on the host, and stands for all requests of its container port.
    """
    fitting = [port for port in free if _fits(request, port)]
    number = next((port.host_port for port in fitting if port.host_port), 0)
    return tuple(port for port in fitting if port.host_port in (number, 0))


def _fits(request: PortRequest, port: PublishedPort) -> bool:
    if port.container_port != request.container_port:
        return False
    if not port.host_port:
        return request.host_address is None or request.host_address.version == port.host_address.version
    if request.host_address not in (None, port.host_address):
        return False
    return not request.host_first or request.host_first <= port.host_port <= request.host_last


def without(bindings: Sequence[Binding], withdrawals: Iterable[PortRequest], container: str) -> tuple[Binding, ...]:
    """Return the bindings that stay. NotFound names a withdrawal that meets none.

    A withdrawal names a container port, and may narrow that to an address and to ports of the host. What was asked for
    as one (every address of the host) goes as one.
    """
    going: set[int] = set()
    for wanted in withdrawals:
        met = {place for place, binding in enumerate(bindings) if _is_meant(binding, wanted)}
        if not met:
            raise NotFound(f"No public port '{_written(wanted)}' published for {container}")
        going |= met
    return tuple(binding for place, binding in enumerate(bindings) if place not in going)


def _is_meant(binding: Binding, wanted: PortRequest) -> bool:
    request = binding.request
    if request.container_port != wanted.container_port:
        return False
    if wanted.host_address is not None and request.host_address != wanted.host_address:
        everywhere = wanted.host_address.is_unspecified and request.host_address is None
        if not everywhere and wanted.host_address not in {port.host_address for port in binding.ports}:
            return False
    if not wanted.host_first:
        return True
    numbers = {port.host_port for port in binding.ports if port.host_port} or {request.host_first}
    return any(wanted.host_first <= number <= wanted.host_last for number in numbers)


def _written(request: PortRequest) -> str:
    host = _written_address(request) if request.host_address is not None else ""
    if not request.host_first:
        return f"{host}:{request.container_port}" if host else str(request.container_port)
    last = f"-{request.host_last}" if request.host_last != request.host_first else ""
    place = f"{request.host_first}{last}:{request.container_port}"
    return f"{host}:{place}" if host else place


def _written_address(request: PortRequest) -> str:
    address = request.host_address
    return f"[{address}]" if address is not None and address.version == 6 else str(address)


def check_apart(requests: Sequence[PortRequest]) -> None:
    """Raise Conflict, in Docker's words, where two requests name one port of the host."""
    for place, request in enumerate(requests):
        for other in requests[:place]:
            if _collide(request, other):
                shown = _written_address(request) if request.host_address is not None else "0.0.0.0"  # noqa: S104
                raise Conflict(f"Bind for {shown}:{request.host_first} failed: port is already allocated")


def _collide(one: PortRequest, other: PortRequest) -> bool:
    if not one.host_first or one.host_first != one.host_last or other.host_first != other.host_last:
        return False
    if (one.host_first, one.container_port.protocol) != (other.host_first, other.container_port.protocol):
        return False
    first, second = one.host_address, other.host_address
    if first is None or second is None:
        return True
    return first.version == second.version and (first == second or first.is_unspecified or second.is_unspecified)


def asking_for(networking: NetworkingSpec, requests: Collection[PortRequest]) -> NetworkingSpec:
    """Return the spec that asks for exactly these ports; -P yields where it would add one that was withdrawn."""
    asking = replace(networking, ports=tuple(requests))
    return asking if requests_of(asking) == tuple(requests) else replace(asking, publish_all=False)
