"""The bridge driver's options."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from weft.drivers.labels import (
    PREFIX,
    parse_address,
    parse_bool,
    parse_interface_name,
    parse_mtu,
    read,
    refuse_unknown,
)
from weft.model.address import Address
from weft.model.errors import InvalidParameter
from weft.model.exposure import PUBLISH, Exposure, parse_exposure
from weft.model.network import NetworkSpec

NAME = PREFIX + "bridge.name"
DEFAULT_BRIDGE = PREFIX + "bridge.default_bridge"
ICC = PREFIX + "bridge.enable_icc"
MASQUERADE = PREFIX + "bridge.enable_ip_masquerade"
HOST_BINDING = PREFIX + "bridge.host_binding_ipv4"
HOST_BINDING_IPV6 = PREFIX + "bridge.host_binding_ipv6"  # Weft's own
GATEWAY_MODE_IPV4 = PREFIX + "bridge.gateway_mode_ipv4"
GATEWAY_MODE_IPV6 = PREFIX + "bridge.gateway_mode_ipv6"
INHIBIT_IPV4 = PREFIX + "bridge.inhibit_ipv4"
TRUSTED = PREFIX + "bridge.trusted_host_interfaces"
ADVERTISEMENTS = PREFIX + "advertise_addr_nmsgs"
ADVERTISE_INTERVAL = PREFIX + "advertise_addr_ms"
MTU = PREFIX + "driver.mtu"
INTERFACE_PREFIX = PREFIX + "container_iface_prefix"
HOST_IPV4 = PREFIX + "host_ipv4"
HOST_IPV6 = PREFIX + "host_ipv6"
# Read by the engine when it decides on a network's families; a driver only lets them pass.
ENABLE_IPV4 = PREFIX + "enable_ipv4"
ENABLE_IPV6 = PREFIX + "enable_ipv6"

WEFT = "weft."  # what begins so is ours: a policy with a slip in its name must not go unnoticed
DEFAULT_MTU = 1500
_KNOWN = (
    NAME,
    DEFAULT_BRIDGE,
    ICC,
    MASQUERADE,
    HOST_BINDING,
    HOST_BINDING_IPV6,
    GATEWAY_MODE_IPV4,
    GATEWAY_MODE_IPV6,
    INHIBIT_IPV4,
    TRUSTED,
    ADVERTISEMENTS,
    ADVERTISE_INTERVAL,
    PUBLISH,
    MTU,
    INTERFACE_PREFIX,
    HOST_IPV4,
    HOST_IPV6,
    ENABLE_IPV4,
    ENABLE_IPV6,
)


class GatewayMode(StrEnum):
    """How endpoints are reached from outside their network."""

    NAT = "nat"  # through published ports alone
    ROUTED = "routed"  # without NAT: published ports and pings, by whoever has a route
    NAT_UNPROTECTED = "nat-unprotected"  # through published ports, and directly by whoever has a route
    ISOLATED = "isolated"  # not at all, and the bridge has no address either


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeOptions:
    """The options of one network, read. `name` "" is br-<short id>; `mtu` in bytes, 0 where none was given.

    Endpoints advertise their addresses `advertisements` times at start, `advertise_interval` milliseconds apart.
    None is three times where somebody may know the address by another MAC.
    """

    name: str = ""
    default_bridge: bool = False
    icc: bool = True
    masquerade: bool = True
    host_binding: Address | None = None  # where ports without a host address are bound; None is everywhere
    host_binding_ipv6: IPv6Address | None = None
    mode_ipv4: GatewayMode = GatewayMode.NAT
    mode_ipv6: GatewayMode = GatewayMode.NAT
    inhibit_ipv4: bool = False
    mtu: int = 0
    trusted: tuple[str, ...] = ()  # interfaces of the host
    advertisements: int | None = None
    advertise_interval: int = 1000
    exposure: Exposure | None = None  # None is the daemon's
    interface_prefix: str = "eth"
    source_ipv4: IPv4Address | None = None
    source_ipv6: IPv6Address | None = None

    def mode(self, version: int) -> GatewayMode:
        """Return the gateway mode of IP `version` 4 or 6."""
        return self.mode_ipv4 if version == 4 else self.mode_ipv6


def bridge_options(spec: NetworkSpec) -> BridgeOptions:
    """Read a network's options. Raises InvalidParameter for those that are unknown, unreadable or do not fit."""
    options = spec.options
    refuse_unknown(options, _KNOWN, "the bridge driver", (PREFIX, WEFT))
    read(options, ENABLE_IPV4, parse_bool, True)
    read(options, ENABLE_IPV6, parse_bool, False)
    host_binding = read(options, HOST_BINDING, _optional_address, None)
    host_binding_ipv6 = read(options, HOST_BINDING_IPV6, _optional_ipv6, None)
    result = BridgeOptions(
        name=read(options, NAME, parse_interface_name, ""),
        default_bridge=read(options, DEFAULT_BRIDGE, parse_bool, False),
        icc=read(options, ICC, parse_bool, True),
        masquerade=read(options, MASQUERADE, parse_bool, True),
        host_binding=None if host_binding is None or host_binding.is_unspecified else host_binding,
        host_binding_ipv6=None if host_binding_ipv6 is None or host_binding_ipv6.is_unspecified else host_binding_ipv6,
        mode_ipv4=_mode(options, GATEWAY_MODE_IPV4),
        mode_ipv6=_mode(options, GATEWAY_MODE_IPV6),
        inhibit_ipv4=read(options, INHIBIT_IPV4, parse_bool, False),
        mtu=read(options, MTU, parse_mtu, 0),
        trusted=read(options, TRUSTED, _parse_interfaces, ()),
        advertisements=read(options, ADVERTISEMENTS, _range(0, 3), 3 if ADVERTISE_INTERVAL in options else None),
        advertise_interval=read(options, ADVERTISE_INTERVAL, _range(100, 2000), 1000),
        exposure=read(options, PUBLISH, _optional_exposure, None),
        interface_prefix=read(options, INTERFACE_PREFIX, _parse_prefix, "eth"),
        source_ipv4=read(options, HOST_IPV4, _optional_ipv4, None),
        source_ipv6=read(options, HOST_IPV6, _optional_ipv6, None),
    )
    if not spec.internal and GatewayMode.ISOLATED in (result.mode_ipv4, result.mode_ipv6):
        raise InvalidParameter("gateway mode 'isolated' can only be used for an internal network")
    return result


def _mode(options: Mapping[str, str], label: str) -> GatewayMode:
    return read(options, label, _parse_mode, GatewayMode.NAT)


def _parse_mode(value: str) -> GatewayMode:
    if value not in list(GatewayMode):
        raise ValueError(f"unknown gateway mode {value}")
    return GatewayMode(value)


def _parse_prefix(value: str) -> str:
    name = parse_interface_name(value)
    if len(name) > 11:
        raise ValueError("a prefix has up to 11 characters, so that numbers fit behind it")
    return name


def _parse_interfaces(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parse_interface_name(name) for name in value.split(":")))


def _range(first: int, last: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]+", value):
            raise ValueError(f'strconv.Atoi: parsing "{value}": invalid syntax')
        if not first <= int(value) <= last:
            raise ValueError(f"must be in the range {first} to {last}")
        return int(value)

    return parse


def _optional_exposure(value: str) -> Exposure | None:
    return parse_exposure(value)


def _optional_address(value: str) -> Address | None:
    return parse_address(value)


def _optional_ipv4(value: str) -> IPv4Address | None:
    address = parse_address(value)
    if not isinstance(address, IPv4Address):
        raise ValueError("not an IPv4 address")
    return address


def _optional_ipv6(value: str) -> IPv6Address | None:
    address = parse_address(value)
    if not isinstance(address, IPv6Address):
        raise ValueError("not an IPv6 address")
    return address
