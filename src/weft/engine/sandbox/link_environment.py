"""The environment variables of a legacy link, by which programs found each other before there were names; pure text."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from itertools import groupby

from weft.model.container import ContainerSpec
from weft.model.port import ContainerPort, Protocol

_OF_THE_IMAGE = ("HOME", "PATH")  # set in every image, and of no meaning elsewhere


def link_environment(name: str, target: ContainerSpec, address: IPv4Address) -> tuple[str, ...]:
    """Return the variables of the link `name` (/linker/alias) to a container at `address`.

    https://docs.docker.com/engine/network/links/#environment-variables
    """
    prefix = name.rpartition("/")[2].upper().replace("-", "_")
    ports = sorted(target.networking.exposed, key=lambda port: (port.number, port.protocol is not Protocol.TCP))
    found: list[str] = []
    if ports:
        found.append(f"{prefix}_PORT={_url(ports[0], address)}")
    for port in ports:
        found += _of_port(prefix, port, address)
    for first, last in _runs(ports):
        found += _of_run(prefix, first, last, address)
    found.append(f"{prefix}_NAME={name}")
    for variable in target.process.env:
        key, equals, value = variable.partition("=")
        if equals and key not in _OF_THE_IMAGE:
            found.append(f"{prefix}_ENV_{key}={value}")
    return tuple(found)


def _url(port: ContainerPort, address: IPv4Address) -> str:
    return f"{port.protocol.value}://{address}:{port.number}"


def _name(prefix: str, port: ContainerPort) -> str:
    return f"{prefix}_PORT_{port.number}_{port.protocol.value.upper()}"


def _of_port(prefix: str, port: ContainerPort, address: IPv4Address) -> tuple[str, ...]:
    name = _name(prefix, port)
    return (
        f"{name}={_url(port, address)}",
        f"{name}_ADDR={address}",
        f"{name}_PORT={port.number}",
        f"{name}_PROTO={port.protocol.value}",
    )


def _runs(ports: Iterable[ContainerPort]) -> Iterator[tuple[ContainerPort, ContainerPort]]:
    """Yield first and last of runs of two and more neighbouring ports of a protocol."""
    for protocol in Protocol:
        own = [port for port in ports if port.protocol is protocol]
        for _, group in groupby(enumerate(own), key=lambda entry: entry[1].number - entry[0]):
            run = [port for _, port in group]
            if len(run) > 1:
                yield run[0], run[-1]


def _of_run(prefix: str, first: ContainerPort, last: ContainerPort, address: IPv4Address) -> tuple[str, ...]:
    name = _name(prefix, first)
    return (
        f"{name}_START={_url(first, address)}",
        f"{name}_PORT_START={first.number}",
        f"{name}_END={_url(last, address)}",
        f"{name}_PORT_END={last.number}",
    )
