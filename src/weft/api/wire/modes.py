"""Namespace modes of HostConfig, and what they exclude (texts of Docker's runconfig)."""

from weft.api.wire.host_config import HostConfig
from weft.model.errors import InvalidParameter

_CONTAINER = "container"
_UNDEFINED = "This would result in undefined behavior"


def network_mode(host: HostConfig) -> str:
    """Return the network mode: nothing and `default` are bridge. InvalidParameter for `container:` without a name."""
    mode = host.network_mode or "bridge"
    if mode == "default":
        return "bridge"
    kind, _, target = mode.partition(":")
    if kind == _CONTAINER and not target:
        raise InvalidParameter("invalid network mode: invalid container format container:<name|id>")
    return mode


def check_network_mode(mode: str, host: HostConfig, *, hostname: str, mac_address: str, exposes: bool) -> None:
    """Raise InvalidParameter for options that make no sense in that network mode."""
    if (host.uts_mode or "") == "host" and hostname:
        raise InvalidParameter("conflicting options: hostname and the UTS mode")
    joins = mode.startswith(f"{_CONTAINER}:")
    if mode == "host" and host.links:
        raise InvalidParameter(f"conflicting options: host type networking can't be used with links. {_UNDEFINED}")
    if (joins or mode == "host") and mac_address:
        raise InvalidParameter("conflicting options: mac-address and the network mode")
    if not joins:
        return
    conflicts = (
        (hostname, "hostname and the network mode"),
        (host.links, f"container type network can't be used with links. {_UNDEFINED}"),
        (host.dns, "dns and the network mode"),
        (host.extra_hosts, "custom host-to-IP mapping and the network mode"),
        (host.port_bindings or host.publish_all_ports, "port publishing and the container type network mode"),
        (exposes, "port exposing and the container type network mode"),
    )
    for given, what in conflicts:
        if given:
            raise InvalidParameter(f"conflicting options: {what}")


def check_namespaces(host: HostConfig) -> None:
    """Raise InvalidParameter for IPC, PID and UTS modes that no engine has."""
    _check("IPC", host.ipc_mode or "", ("", "none", "private", "shareable", "host"), joinable=True)
    _check("PID", host.pid_mode or "", ("", "host"), joinable=True)
    _check("UTS", host.uts_mode or "", ("", "host"), joinable=False)


def _check(what: str, mode: str, known: tuple[str, ...], *, joinable: bool) -> None:
    kind, _, target = mode.partition(":")
    if mode in known or (joinable and kind == _CONTAINER and target):
        return
    raise InvalidParameter(f"invalid {what} mode: {mode}")
