"""What the daemon and weft-relay say to each other, in the frames of weft.dns.protocol, descriptors beside them.

hello                                   -> {"protocol": …, "pid": …}
ports                                   -> [the port that TCP is redirected to, or 0, the ports held],
                                           each [protocol, host address, port, address, port, exposure]
listen, one descriptor                  -> null; the socket that TCP is redirected to
open [port …], one descriptor a port    -> null; UDP; a port that is held already gets its target alone
aim [port …]                            -> null; TCP, or UDP ports that are held: they lead there from now on
close [[protocol, host address, port] …] -> null
"""

from typing import Any, NamedTuple

from weft.dns.protocol import MOST_DESCRIPTORS, BadFrame

TCP, UDP = "tcp", "udp"
PROTOCOL = 2  # raised whenever an older process would misunderstand
SOCKET_NAME = "relay.sock"
MOST_PORTS_AN_OPEN = MOST_DESCRIPTORS  # one each


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
        return unpack_key([protocol, host_address, host_port]), Target(str(address), int(port), str(exposure))
    except (TypeError, ValueError) as error:
        raise BadFrame(f"not a port: {error}") from error


def unpack_key(values: Any) -> Key:
    """Return what names a port; raises BadFrame."""
    try:
        protocol, host_address, host_port = values
        if protocol not in (TCP, UDP):
            raise ValueError(f"protocol {protocol!r}")
        return Key(str(protocol), str(host_address), int(host_port))
    except (TypeError, ValueError) as error:
        raise BadFrame(f"not a port: {error}") from error
