"""Ports in the words of plugin protocol v1: options of endpoints, and what EndpointOperInfo says of them."""

from ipaddress import IPv4Address, ip_address
from typing import Any

from weft.engine.contract.remote import Place
from weft.model.errors import WeftError
from weft.model.port import ContainerPort, PortRequest, Protocol, PublishedPort
from weft.plugins.answer import Answer

EXPOSED = "com.docker.network.endpoint.exposedports"
PORT_MAP = "com.docker.network.portmap"
_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}  # IANA's protocol numbers
_PROTOCOLS = {number: protocol for protocol, number in _NUMBERS.items()}
_ANY = IPv4Address(0)


def port_options(place: Place) -> dict[str, Any]:
    """Return the options that tell a driver which ports are exposed, and which are to be published."""
    return {
        EXPOSED: [{"Proto": _NUMBERS[port.protocol], "Port": port.number} for port in place.exposed],
        PORT_MAP: [_binding(request) for request in place.requests],
    }


def _binding(request: PortRequest) -> dict[str, Any]:
    return {
        "Proto": _NUMBERS[request.container_port.protocol],
        "IP": "",
        "Port": request.container_port.number,
        "HostIP": "" if request.host_address is None else str(request.host_address),
        "HostPort": request.host_first,
        "HostPortEnd": request.host_last,
    }


def forwarded_ports(information: Answer) -> tuple[PublishedPort, ...]:
    """Return the bindings that a driver says it forwards; what is not one is left out, since it is only shown."""
    try:
        bindings = [_published(each) for each in information.objects(PORT_MAP)]
    except (WeftError, ValueError):
        return ()
    return tuple(port for port in bindings if port is not None)


def _published(answer: Answer) -> PublishedPort | None:
    protocol, number = _PROTOCOLS.get(answer.number("Proto")), answer.number("HostPort")
    inside = answer.number("Port")
    if protocol is None or not 0 < number < 65536 or not 0 < inside < 65536:
        return None
    address = answer.text("HostIP")
    return PublishedPort(ContainerPort(inside, protocol), ip_address(address) if address else _ANY, number)
