"""How a container is connected: Docker's network modes (Engine API v1.51 HostConfig.NetworkMode)."""

from dataclasses import dataclass

from weft.model.container import ContainerRecord

DEFAULT_BRIDGE = "bridge"
HOST = "host"
NONE = "none"
_CONTAINER = "container:"


def is_host(mode: str) -> bool:
    """Whether the container uses the host's own network."""
    return mode == HOST


def joined_container(mode: str) -> str | None:
    """Return the container whose namespace is joined (`container:X`), or None."""
    return mode.removeprefix(_CONTAINER) if mode.startswith(_CONTAINER) else None


def mode_joining(container_id: str) -> str:
    """Return the mode that joins a container's namespace."""
    return _CONTAINER + container_id


def is_private(mode: str) -> bool:
    """Whether the container gets a namespace of its own."""
    return not is_host(mode) and joined_container(mode) is None


def is_user_defined(network_name: str) -> bool:
    """Whether a network has names: all but the predefined ones."""
    return network_name not in (DEFAULT_BRIDGE, HOST, NONE)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a container calls itself."""

    hostname: str
    domainname: str = ""


def identity_of(record: ContainerRecord, host_name: str) -> Identity:
    """Return the container's host name: given, the host's in host mode, else its short id."""
    networking = record.spec.networking
    hostname, domainname = networking.hostname, networking.domainname
    if not hostname:
        hostname = host_name if is_host(networking.mode) else record.id[:12]
    return Identity(hostname, domainname)
