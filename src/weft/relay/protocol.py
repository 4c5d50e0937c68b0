"""What the daemon and weft-relay say to each other, in the frames of weft.dns.protocol, descriptors beside them.

hello                                   -> {"protocol": …, "pid": …}
ports                                   -> [the port that TCP is redirected to, or 0, the runs held]
listen, one descriptor                  -> null; the socket that TCP is redirected to
open [port …], one descriptor a port    -> null; UDP; a port that is held already gets its target alone
aim [run …]                             -> null; TCP, or UDP ports that are held: they lead there from now on
close [[protocol, host address, port, count] …] -> null

A port is [protocol, host address, port, address, port, exposure]; a run of them has its first one's, and their count.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from weft.dns.protocol import MOST_DESCRIPTORS, BadFrame

TCP, UDP = "tcp", "udp"
PROTOCOL = 3  # raised whenever an older process would misunderstand
SOCKET_NAME = "relay.sock"
MOST_PORTS_AN_OPEN = MOST_DESCRIPTORS  # one each
_PORTS = 65536


class Key(NamedTuple):
    """A port of the host; `protocol` is tcp or udp."""

    protocol: str
    host_address: str
    host_port: int


class Target(NamedTuple):
    """Where a port leads: a container's address; and for whom, in the words of weft.model.exposure."""

    address: str
    port: int
    exposure: str = "open"


def pack(key: Key, target: Target) -> list[Any]:
    """Return a port as JSON values."""
    return [*key, *target]


def unpack(values: Any) -> tuple[Key, Target]:
    """Return the port; raises BadFrame."""
    try:
        protocol, host_address, host_port, address, port, exposure = values
        if protocol not in (TCP, UDP):
            raise ValueError(f"protocol {protocol!r}")
        key = Key(str(protocol), str(host_address), int(host_port))
        return key, Target(str(address), int(port), str(exposure))
    except (TypeError, ValueError) as error:
        raise BadFrame(f"not a port: {error}") from error


def pack_runs(ports: Mapping[Key, Target]) -> list[list[Any]]:
    """Return ports as JSON values, as one those that follow each other and lead to ports that do."""
    runs = []
    for _, group in groupby(enumerate(sorted(ports.items())), key=_course):
        members = [port for _, port in group]
        runs.append([*pack(*members[0]), len(members)])
    return runs


def _course(place: tuple[int, tuple[Key, Target]]) -> tuple[str, str, int, str, int, str]:
    position, (key, target) = place
    far = (target.address, target.port - position, target.exposure)
    return (key.protocol, key.host_address, key.host_port - position, *far)


def unpack_runs(runs: Iterable[Any]) -> dict[Key, Target]:
    """Return the ports; raises BadFrame."""
    found: dict[Key, Target] = {}
    for values in runs:
        if not isinstance(values, list) or not values:
            raise BadFrame("not a run of ports")
        *port, count = values
        (protocol, host_address, host_port), (address, number, exposure) = unpack(port)
        if not isinstance(count, int) or not 1 <= count <= _PORTS - max(host_port, number):
            raise BadFrame(f"a run of {count!r} ports")
        for more in range(count):
            found[Key(protocol, host_address, host_port + more)] = Target(address, number + more, exposure)
    return found


def pack_keys(keys: Iterable[Key]) -> list[list[Any]]:
    """Return what names ports as JSON values, as one those that follow each other."""
    return [[*key, count] for *key, _, _, _, count in pack_runs({key: Target("", key.host_port) for key in keys})]


def unpack_keys(runs: Iterable[Any]) -> list[Key]:
    """Return what names ports; raises BadFrame."""
    try:
        return list(unpack_runs([[*key, "", key[2], "", count] for *key, count in runs]))
    except (TypeError, ValueError, IndexError) as error:
        raise BadFrame(f"not a port: {error}") from error
