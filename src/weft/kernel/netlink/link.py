"""Links as rtnetlink messages (Linux include/uapi/linux/if_link.h)."""

import struct
from sys import byteorder

from weft.kernel.netlink.message import CREATE, EXCLUSIVE, Request, attribute, attributes, nested, number, text, word
from weft.plan.operations import (
    CreateBridge,
    CreateDummy,
    CreateIpvlan,
    CreateMacvlan,
    CreateVeth,
    CreateVlan,
    MoveLink,
    ReturnLink,
    SetAlias,
)

NEW_LINK = 16
DELETE_LINK = 17
GET_LINK = 18
SET_LINK = 19

DOOMED_GROUP = 0x77656674  # "weft": links that the reaper deletes together
UNFINISHED_GROUP = 0x77656675  # links that are yet without the alias that says whose they are

_HEAD = struct.Struct("=BxHiII")  # family, device type, index, flags, mask of flags to change
_UP = 0x1
_FAMILY_BRIDGE = 7
_ADDRESS = 1
_NAME = 3
_MTU = 4
_LINK = 5
_MASTER = 10
_PORT_INFO = 12
_LINK_INFO = 18
_ALIAS = 20
_FAMILY_SPECIFIC = 26
_FAMILY_INET6 = 10
_ADDRESS_MODE = 8
_NO_ADDRESS = b"\1"
_GROUP = 27
_NAMESPACE_FD = 28
_SEND_QUEUES = 31
_RECEIVE_QUEUES = 32
_INFO_KIND = 1
_INFO_DATA = 2
_INFO_PORT_KIND = 4
_INFO_PORT_DATA = 5
_VETH_PEER = 1
_PORT_STATE = 1
_PORT_HAIRPIN = 4
_PORT_FLUSH = 24
_PORT_ISOLATED = 33
_MACVLAN_MODE = 1
_MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}
_IPVLAN_MODE = 1
_IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}
_IPVLAN_FLAGS = 2
_IPVLAN_FLAG = {"bridge": 0, "private": 1, "vepa": 2}
_VLAN_ID = 1
_ALIAS_MAX = 255  # bytes (IFALIASZ - 1)

Creation = CreateBridge | CreateVeth | CreateMacvlan | CreateIpvlan | CreateVlan | CreateDummy

_RAISED = _HEAD.pack(0, 0, 0, _UP, _UP)
_PLAIN = _HEAD.pack(0, 0, 0, 0, 0)
_LOOPBACK = _HEAD.pack(0, 0, 1, _UP, _UP)
_NEW = CREATE | EXCLUSIVE
# The default is one a processor, which veth without XDP has no use for and which sysfs makes dear.
_ONE_QUEUE = number(_SEND_QUEUES, 1) + number(_RECEIVE_QUEUES, 1)


def raise_loopback() -> Request:
    """Return the request that brings up index 1, the loopback of every namespace."""
    return Request(NEW_LINK, 0, _LOOPBACK)


def without_link_local(name: str) -> Request:
    """Return the request that keeps the kernel from giving a link an IPv6 link-local address when it has a carrier."""
    protocol = nested(_FAMILY_INET6, attribute(_ADDRESS_MODE, _NO_ADDRESS))
    return Request(NEW_LINK, 0, _PLAIN + text(_NAME, name) + nested(_FAMILY_SPECIFIC, protocol))


def raise_link(name: str) -> Request:
    """Return the request that brings a link up."""
    return Request(NEW_LINK, 0, _RAISED + text(_NAME, name))


def create_bridge(operation: CreateBridge) -> Request:
    """Return the request that makes a bridge, up."""
    body = _RAISED + text(_NAME, operation.name)
    if operation.mac:
        body += attribute(_ADDRESS, _mac(operation.mac))
    body += nested(_LINK_INFO, text(_INFO_KIND, "bridge"))
    return Request(NEW_LINK, _NEW, body)


def create_veth(operation: CreateVeth, namespace: int, bridge: int) -> Request:
    """Return the request that makes a veth pair, its peer at once in the namespace of that file descriptor.

    `bridge` is the master's index, 0 for none. The host's end is up; the kernel refuses to raise a peer so early
    (ENOTCONN), which is left to `raise_link` inside.
    """
    peer = (
        _PLAIN
        + _ONE_QUEUE
        + text(_NAME, operation.peer)
        + number(_MTU, operation.mtu)
        + (attribute(_ADDRESS, _mac(operation.mac)) if operation.mac else b"")
        + number(_NAMESPACE_FD, namespace)
    )
    body = (
        _RAISED
        + _ONE_QUEUE
        + text(_NAME, operation.name)
        + number(_MTU, operation.mtu)
        + (number(_MASTER, bridge) if bridge else b"")
        + nested(_LINK_INFO, text(_INFO_KIND, "veth"), nested(_INFO_DATA, attribute(_VETH_PEER, peer)))
    )
    return Request(NEW_LINK, _NEW, body)


def create_pair(name: str, peer: str, mtu: int) -> Request:
    """Return the request that makes a veth pair with both ends here, down."""
    other = _PLAIN + _ONE_QUEUE + text(_NAME, peer) + number(_MTU, mtu)
    data = nested(_INFO_DATA, attribute(_VETH_PEER, other))
    body = _PLAIN + _ONE_QUEUE + text(_NAME, name) + number(_MTU, mtu)
    return Request(NEW_LINK, _NEW, body + nested(_LINK_INFO, text(_INFO_KIND, "veth"), data))


def join_bridge(name: str, bridge: int) -> Request:
    """Return the request that makes a link a port of the bridge of that index, and brings it up."""
    return Request(NEW_LINK, 0, _RAISED + text(_NAME, name) + number(_MASTER, bridge))


def isolate_port(name: str) -> Request:
    """Return the request that keeps a bridge port from the other isolated ones."""
    flags = nested(_INFO_PORT_DATA, attribute(_PORT_ISOLATED, b"\1"))
    return Request(NEW_LINK, 0, _PLAIN + text(_NAME, name) + nested(_LINK_INFO, text(_INFO_PORT_KIND, "bridge"), flags))


def named(name: str) -> bytes:
    """Return the body of a request for the link of that name."""
    return _PLAIN + text(_NAME, name)


def alias_of(answer: bytes) -> str:
    """Return the alias in an answer about a link."""
    return word(dict(attributes(answer, _HEAD.size)).get(_ALIAS, b""))


def create_macvlan(operation: CreateMacvlan, parent: int, namespace: int | None) -> Request:
    """Return the request that makes a macvlan link on the link of index `parent`, in the namespace of a descriptor.

    `namespace` None is the socket's own. The link is down: what the kernel checks of a MAC it checks at raising.
    """
    data = number(_MACVLAN_MODE, _MACVLAN_MODES[operation.mode])
    mac = attribute(_ADDRESS, _mac(operation.mac)) if operation.mac else b""
    return _upper(operation, parent, namespace, nested(_INFO_DATA, data), mac)


def create_ipvlan(operation: CreateIpvlan, parent: int, namespace: int | None) -> Request:
    """Return the request that makes an ipvlan link, down, like `create_macvlan`."""
    mode, flag = _IPVLAN_MODES[operation.mode], _IPVLAN_FLAG[operation.flag]
    data = attribute(_IPVLAN_MODE, mode.to_bytes(2, byteorder)) + attribute(_IPVLAN_FLAGS, flag.to_bytes(2, byteorder))
    return _upper(operation, parent, namespace, nested(_INFO_DATA, data))


def _upper(
    operation: CreateMacvlan | CreateIpvlan, parent: int, namespace: int | None, data: bytes, extra: bytes = b""
) -> Request:
    kind = "macvlan" if isinstance(operation, CreateMacvlan) else "ipvlan"
    body = (
        _PLAIN
        + text(_NAME, operation.name)
        + number(_LINK, parent)
        + (number(_MTU, operation.mtu) if operation.mtu else b"")
        + extra
        + (number(_NAMESPACE_FD, namespace) if namespace is not None else b"")
        + nested(_LINK_INFO, text(_INFO_KIND, kind), data)
    )
    return Request(NEW_LINK, _NEW, body)


def rename_link(index: int, name: str) -> Request:
    """Return the request that gives the link of that index, which is down, another name."""
    return Request(NEW_LINK, 0, _HEAD.pack(0, 0, index, 0, 0) + text(_NAME, name))


def create_vlan(operation: CreateVlan, parent: int) -> Request:
    """Return the request that makes an 802.1q sub-interface, down, in the group of the unfinished.

    One that is cut off before it is described is found by that number.
    """
    data = nested(_INFO_DATA, attribute(_VLAN_ID, operation.vid.to_bytes(2, byteorder)))
    body = (
        _PLAIN
        + text(_NAME, operation.name)
        + number(_LINK, parent)
        + number(_GROUP, UNFINISHED_GROUP)
        + nested(_LINK_INFO, text(_INFO_KIND, "vlan"), data)
    )
    return Request(NEW_LINK, _NEW, body)


def create_dummy(operation: CreateDummy, kind: str) -> Request:
    """Return the request that makes a link that swallows what it is given, up; `kind` is dummy or ifb.

    An ifb link does so with all that tc does not redirect to it (Linux drivers/net/ifb.c).
    """
    return Request(NEW_LINK, _NEW, _RAISED + text(_NAME, operation.name) + nested(_LINK_INFO, text(_INFO_KIND, kind)))


def probe_link(kind: str) -> Request:
    """Return the request that makes a link of that kind with no parent and no data.

    The kernel refuses a kind that it does not know with EOPNOTSUPP, before it looks at anything else.
    """
    return Request(NEW_LINK, _NEW, _PLAIN + text(_NAME, "probe") + nested(_LINK_INFO, text(_INFO_KIND, kind)))


def describe_link(operation: Creation) -> tuple[Request, ...]:
    """Return what the kernel takes only of a link that exists: its alias, its port's flags, a bridge's own MTU.

    An MTU given to a bridge at birth would yield to that of its first port, a MAC given to a passthru to its parent's.
    """
    body = number(_MTU, operation.mtu) if isinstance(operation, CreateBridge) else b""
    if operation.alias:
        body += attribute(_ALIAS, operation.alias.encode()[:_ALIAS_MAX])
    if isinstance(operation, CreateVlan):
        body += number(_GROUP, 0)
    if isinstance(operation, CreateMacvlan) and operation.mode == "passthru" and operation.mac:
        body += attribute(_ADDRESS, _mac(operation.mac))
    if isinstance(operation, CreateVeth) and operation.bridge and (operation.isolated or operation.hairpin):
        flags = attribute(_PORT_ISOLATED, b"\1") if operation.isolated else b""
        flags += attribute(_PORT_HAIRPIN, b"\1") if operation.hairpin else b""
        body += nested(_LINK_INFO, text(_INFO_PORT_KIND, "bridge"), nested(_INFO_PORT_DATA, flags))
    return (Request(NEW_LINK, 0, _PLAIN + text(_NAME, operation.name) + body),) if body else ()


def set_alias(operation: SetAlias) -> Request:
    """Return the request that writes a link's alias; "" takes it away."""
    alias = attribute(_ALIAS, operation.alias.encode()[:_ALIAS_MAX])
    return Request(NEW_LINK, 0, _PLAIN + text(_NAME, operation.link) + alias)


def move_link(operation: MoveLink, index: int, namespace: int) -> Request:
    """Return the request that moves the link of that index, renames it there and brings it up, all in one."""
    body = (
        _HEAD.pack(0, 0, index, _UP, _UP)
        + number(_NAMESPACE_FD, namespace)
        + (attribute(_ADDRESS, _mac(operation.mac)) if operation.mac else b"")
        + text(_NAME, operation.link)
    )
    return Request(NEW_LINK, 0, body)


def return_link(operation: ReturnLink, index: int, namespace: int) -> Request:
    """Return the request that moves the link of that index to the namespace of that descriptor, down."""
    body = _HEAD.pack(0, 0, index, 0, _UP) + number(_NAMESPACE_FD, namespace) + text(_NAME, operation.source)
    return Request(NEW_LINK, 0, body)


def delete_link(name: str) -> Request:
    """Return the request that deletes a link by its name."""
    return Request(DELETE_LINK, 0, _PLAIN + text(_NAME, name))


def silence_port(name: str, index: int) -> tuple[Request, Request]:
    """Return the requests that give a bridge port to the reaper, then close it and forget its addresses at once.

    In this order, since every other change to a link opens its port again. The second one is refused (EOPNOTSUPP) for
    a link that is no port of a bridge.
    """
    state = nested(_PORT_INFO, attribute(_PORT_STATE, b"\0"), attribute(_PORT_FLUSH, b""))
    return (
        Request(NEW_LINK, 0, _PLAIN + text(_NAME, name) + number(_GROUP, DOOMED_GROUP)),
        Request(SET_LINK, 0, _HEAD.pack(_FAMILY_BRIDGE, 0, index, 0, 0) + state),
    )


def delete_doomed() -> Request:
    """Return the request that deletes every link that was silenced; ENODEV where there is none."""
    return Request(DELETE_LINK, 0, _PLAIN + number(_GROUP, DOOMED_GROUP))


def delete_unfinished() -> Request:
    """Return the request that deletes every link that a killed daemon left unfinished; ENODEV where there is none."""
    return Request(DELETE_LINK, 0, _PLAIN + number(_GROUP, UNFINISHED_GROUP))


def _mac(written: str) -> bytes:
    return bytes.fromhex(written.replace(":", ""))
