"""What is there now: links with their addresses, routes, sandboxes, tables."""

import socket
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from pathlib import Path

from weft.engine.contract.kernel import Facts, Link
from weft.kernel.netlink.address import GET_ADDRESS
from weft.kernel.netlink.channel import Channel
from weft.kernel.netlink.link import DOOMED_GROUP, GET_LINK
from weft.kernel.netlink.message import attributes, number, word
from weft.kernel.netlink.route import GET_ROUTE, MAIN_TABLE, UNICAST
from weft.kernel.resources import Resources
from weft.model.address import Interface, Network

_LINK_HEAD = struct.Struct("=BxHiII")
_ADDRESS_HEAD = struct.Struct("=BBBBi")
_ROUTE_HEAD = struct.Struct("=BBBBBBBBI")
_UP = 0x1
_MAC, _NAME, _MTU, _LOWER, _MASTER, _LINK_INFO, _ALIAS, _GROUP, _EXTENSIONS = 1, 3, 4, 5, 10, 18, 20, 27, 29
_LOWER_ELSEWHERE = 37  # the link below is one of another namespace
_KIND = 1
_WITHOUT_STATISTICS = 1 << 3
_ADDRESS, _LOCAL = 1, 2
_DESTINATION, _OUT_LINK, _PRIORITY, _MULTIPATH, _TABLE = 1, 4, 6, 9, 15
_HOP = struct.Struct("=HBBi")  # length, flags, weight, link index
_CLONED = 0x200  # a route cache entry of IPv6
_DEFAULT_MTU = 1500
_BRIDGE_NETFILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def observe(resources: Resources) -> Facts:
    """Observe the daemon's own namespace; blocks. Raises OSError. Links that the reaper is to delete are not shown."""
    channel = resources.channels.take()
    try:
        links = _links(channel)
        routes = _routes(channel)
    finally:
        resources.channels.give(channel)
    return Facts(
        links=links,
        routes=tuple(dict.fromkeys(route.destination for route in routes if route.destination.prefixlen)),
        link_routes=tuple((route.destination, route.link) for route in routes if route.destination.prefixlen),
        default_mtu=_default_mtu(links, routes),
        sandboxes=resources.sandboxes.names(),
        tables=resources.tables.names(),
        bridge_netfilter=_bridge_netfilter(),
    )


def _bridge_netfilter() -> bool:
    try:
        return _BRIDGE_NETFILTER.read_text().strip() == "1"
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class _Route:
    destination: Network
    link: int
    priority: int


def _links(channel: Channel) -> tuple[Link, ...]:
    addresses: defaultdict[int, list[Interface]] = defaultdict(list)
    for _, body in channel.dump(GET_ADDRESS, _ADDRESS_HEAD.pack(0, 0, 0, 0, 0)):
        index, interface = _interface(body)
        if interface is not None:
            addresses[index].append(interface)
    asked = _LINK_HEAD.pack(0, 0, 0, 0, 0) + number(_EXTENSIONS, _WITHOUT_STATISTICS)
    found = (_link(body, addresses) for _, body in channel.dump(GET_LINK, asked))
    return tuple(link for link in found if link is not None)


def _link(body: bytes, addresses: dict[int, list[Interface]]) -> Link | None:
    _, _, index, flags, _ = _LINK_HEAD.unpack_from(body)
    found = dict(attributes(body, _LINK_HEAD.size))
    if _number(found.get(_GROUP)) == DOOMED_GROUP:
        return None
    info = dict(attributes(found.get(_LINK_INFO, b"")))
    return Link(
        index=index,
        name=word(found.get(_NAME, b"")),
        kind=word(info.get(_KIND, b"")),
        mac=found.get(_MAC, b"").hex(":"),
        mtu=_number(found.get(_MTU)),
        up=bool(flags & _UP),
        alias=word(found.get(_ALIAS, b"")),
        master=_number(found.get(_MASTER)),
        lower=0 if _LOWER_ELSEWHERE in found else _number(found.get(_LOWER)),
        addresses=tuple(addresses.get(index, ())),
    )


def _interface(body: bytes) -> tuple[int, Interface | None]:
    family, prefix, _, _, index = _ADDRESS_HEAD.unpack_from(body)
    found = dict(attributes(body, _ADDRESS_HEAD.size))
    packed = found.get(_LOCAL, found.get(_ADDRESS, b""))
    if family == socket.AF_INET and len(packed) == 4:
        return index, IPv4Interface((packed, prefix))
    if family == socket.AF_INET6 and len(packed) == 16:
        return index, IPv6Interface((packed, prefix))
    return index, None


def _routes(channel: Channel) -> list[_Route]:
    dumped = channel.dump(GET_ROUTE, _ROUTE_HEAD.pack(0, 0, 0, 0, 0, 0, 0, 0, 0))
    return [route for _, body in dumped for route in _route(body)]


def _route(body: bytes) -> Iterator[_Route]:
    """Yield a unicast route of the main table."""
    family, prefix, _, _, table, _, _, kind, flags = _ROUTE_HEAD.unpack_from(body)
    found = dict(attributes(body, _ROUTE_HEAD.size))
    if _number(found.get(_TABLE), table) != MAIN_TABLE or kind != UNICAST or flags & _CLONED:
        return
    link = _number(found.get(_OUT_LINK)) or _first_hop(found.get(_MULTIPATH, b""))
    packed = found.get(_DESTINATION)
    if family == socket.AF_INET:
        yield _Route(IPv4Network((packed or bytes(4), prefix)), link, _number(found.get(_PRIORITY)))
    elif family == socket.AF_INET6:
        yield _Route(IPv6Network((packed or bytes(16), prefix)), link, _number(found.get(_PRIORITY)))


def _first_hop(hops: bytes) -> int:
    return int(_HOP.unpack_from(hops)[3]) if len(hops) >= _HOP.size else 0


def _default_mtu(links: tuple[Link, ...], routes: list[_Route]) -> int:
    """Return the MTU of the link behind the default route, IPv4's before IPv6's, least priority number first."""
    defaults = [route for route in routes if route.destination.prefixlen == 0]
    defaults.sort(key=lambda route: (route.destination.version, route.priority))
    by_index = {link.index: link.mtu for link in links}
    return next((by_index[route.link] for route in defaults if route.link in by_index), _DEFAULT_MTU)


def _number(payload: bytes | None, otherwise: int = 0) -> int:
    return int(struct.unpack("=I", payload)[0]) if payload is not None and len(payload) == 4 else otherwise
