"""Links as rtnetlink messages (Linux include/uapi/linux/if_link.h)."""

import struct

from weft.kernel.netlink.message import CREATE, EXCLUSIVE, Request, attribute, nested, number, text
from weft.plan.operations import CreateBridge, CreateVeth

NEW_LINK = 16
DELETE_LINK = 17
GET_LINK = 18
SET_LINK = 19

DOOMED_GROUP = 0x77656674  # "weft": links that the reaper deletes together

_HEAD = struct.Struct("=BxHiII")  # family, device type, index, flags, mask of flags to change
_UP = 0x1
_FAMILY_BRIDGE = 7
_ADDRESS = 1
_NAME = 3
_MTU = 4
_MASTER = 10
_PORT_INFO = 12
_LINK_INFO = 18
_ALIAS = 20
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
_ALIAS_MAX = 255  # bytes (IFALIASZ - 1)

_RAISED = _HEAD.pack(0, 0, 0, _UP, _UP)
_PLAIN = _HEAD.pack(0, 0, 0, 0, 0)
_LOOPBACK = _HEAD.pack(0, 0, 1, _UP, _UP)
_NEW = CREATE | EXCLUSIVE
# The default is one a processor, which veth without XDP has no use for and which sysfs makes dear.
_ONE_QUEUE = number(_SEND_QUEUES, 1) + number(_RECEIVE_QUEUES, 1)


def raise_loopback() -> Request:
    """Return the request that brings up index 1, the loopback of every namespace."""
    return Request(NEW_LINK, 0, _LOOPBACK)


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


def describe_link(operation: CreateBridge | CreateVeth) -> tuple[Request, ...]:
    """Return what the kernel takes only of a link that exists: its alias, its port's flags, a bridge's own MTU.

    An MTU given to a bridge at birth would yield to that of its first port.
    """
    body = number(_MTU, operation.mtu) if isinstance(operation, CreateBridge) else b""
    if operation.alias:
        body += attribute(_ALIAS, operation.alias.encode()[:_ALIAS_MAX])
    if isinstance(operation, CreateVeth) and operation.bridge and (operation.isolated or operation.hairpin):
        flags = attribute(_PORT_ISOLATED, b"\1") if operation.isolated else b""
        flags += attribute(_PORT_HAIRPIN, b"\1") if operation.hairpin else b""
        body += nested(_LINK_INFO, text(_INFO_PORT_KIND, "bridge"), nested(_INFO_PORT_DATA, flags))
    return (Request(NEW_LINK, 0, _PLAIN + text(_NAME, operation.name) + body),) if body else ()


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


def _mac(written: str) -> bytes:
    return bytes.fromhex(written.replace(":", ""))
