"""Ports: `80/tcp` keys, PortBindings and ExposedPorts <-> the model (Engine API v1.51 PortMap)."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

import msgspec

from weft.api.wire.host_config import PortBinding, PortBindings
from weft.api.wire.shapes import Answer
from weft.model.errors import InvalidParameter
from weft.model.port import ContainerPort, PortRequest, Protocol, PublishedPort

_LARGEST = 65535


class BindingAnswer(Answer, frozen=True, kw_only=True):
    """One binding in force or asked for."""

    host_ip: str
    host_port: str


PortMap = dict[str, list[BindingAnswer] | None]


class PortSummary(Answer, frozen=True, kw_only=True):
    """One line of the Ports of `ps`."""

    ip: str | msgspec.UnsetType = msgspec.field(name="IP", default=msgspec.UNSET)
    private_port: int
    public_port: int | msgspec.UnsetType = msgspec.UNSET
    type: str


def parse_container_port(text: str) -> ContainerPort:
    """Return the port that a key such as `80/tcp` or `80` names; InvalidParameter if it names none."""
    number, slash, protocol = text.partition("/")
    try:
        kind = Protocol(protocol.lower() if slash else "tcp")
    except ValueError:
        raise InvalidParameter(f'invalid port specification: "{text}": unknown protocol {protocol}') from None
    return ContainerPort(_number(number, at_least=1), kind)


def parse_port_range(text: str) -> tuple[ContainerPort, ...]:
    """Return the ports of an exposed key, which may be a range such as `8000-8010/tcp`."""
    span, slash, protocol = text.partition("/")
    first, last = _span(span, at_least=1)
    kind = parse_container_port(f"{first}{slash}{protocol}").protocol
    return tuple(ContainerPort(number, kind) for number in range(first, last + 1))


def parse_bindings(bindings: PortBindings) -> tuple[PortRequest, ...]:
    """Return the requests of PortBindings, in its order; a port without any binding asks for a free one."""
    return tuple(
        _request(parse_container_port(key), binding or PortBinding())
        for key, values in (bindings or {}).items()
        for binding in values or [PortBinding()]
    )


def binding_map(requests: Iterable[PortRequest]) -> PortMap:
    """Return PortBindings as inspect shows them: what the user asked for."""
    shown: dict[str, list[BindingAnswer] | None] = {}
    for request in requests:
        address = "" if request.host_address is None else str(request.host_address)
        entry = BindingAnswer(host_ip=address, host_port=_host_port(request))
        _append(shown, str(request.container_port), entry)
    return shown


def published_map(exposed: Iterable[ContainerPort], published: Iterable[PublishedPort]) -> PortMap:
    """Return NetworkSettings.Ports: bindings in force, null for ports that are exposed only."""
    shown: dict[str, list[BindingAnswer] | None] = {str(port): None for port in exposed}
    for port in published:
        entry = BindingAnswer(host_ip=str(port.host_address), host_port=str(port.host_port or ""))
        _append(shown, str(port.container_port), entry)
    return dict(sorted(shown.items()))


def port_summaries(exposed: Iterable[ContainerPort], published: Iterable[PublishedPort]) -> list[PortSummary]:
    """Return the Ports of `ps`: bindings in force, then ports that are exposed only."""
    # Ports of routed networks have none of the host's; `ps` shows them as ports alone.
    published = tuple(published)
    translated = [port for port in published if port.host_port]
    bound = sorted(translated, key=lambda port: (port.container_port, port.host_address.version, port.host_address))
    taken = {port.container_port for port in bound}
    summaries = [
        PortSummary(
            ip=str(port.host_address),
            private_port=port.container_port.number,
            public_port=port.host_port,
            type=port.container_port.protocol.value,
        )
        for port in bound
    ]
    shown = {port.container_port for port in published}
    only_exposed = sorted(port for port in {*exposed, *shown} if port not in taken)
    return summaries + [PortSummary(private_port=port.number, type=port.protocol.value) for port in only_exposed]


def exposed_keys(ports: Iterable[ContainerPort]) -> Mapping[str, Mapping[str, str]]:
    """Return ExposedPorts."""
    return {str(port): {} for port in ports}


def _append(shown: dict[str, list[BindingAnswer] | None], key: str, entry: BindingAnswer) -> None:
    entries = shown.get(key)
    if entries is None:
        shown[key] = [entry]
    else:
        entries.append(entry)


def _request(port: ContainerPort, binding: PortBinding) -> PortRequest:
    first, last = _span(binding.host_port or "0", at_least=0)
    return PortRequest(port, _host_address(binding.host_ip or ""), first, last)


def _host_address(text: str) -> IPv4Address | IPv6Address | None:
    if not text:
        return None
    try:
        return ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise InvalidParameter(f"invalid port specification: invalid IP address: {text}") from None


def _host_port(request: PortRequest) -> str:
    if not request.host_last:
        return ""
    if request.host_first == request.host_last:
        return str(request.host_first)
    return f"{request.host_first}-{request.host_last}"


def _span(text: str, *, at_least: int) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    start = _number(first, at_least=at_least, whole=text)
    end = _number(last, at_least=at_least, whole=text) if dash else start
    if end < start:
        raise InvalidParameter(f'invalid port specification: "{text}"')
    return start, end


def _number(text: str, *, at_least: int, whole: str = "") -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and at_least <= int(text) <= _LARGEST):
        raise InvalidParameter(f'invalid port specification: "{whole or text}"')
    return int(text)
