"""Dropping tracked UDP flows to an address (Linux uapi/linux/netfilter/nfnetlink_conntrack.h)."""

import socket
from collections.abc import Collection

from weft.kernel.netlink.channel import NETLINK_NETFILTER, Channel
from weft.kernel.netlink.message import NESTED, Request, attribute, attributes
from weft.kernel.netlink.netfilter import CONNTRACK, head
from weft.model.address import Address

_GET = CONNTRACK | 1
_DELETE = CONNTRACK | 2
_HEAD_BYTES = 4
_ORIGINAL = 1
_REPLY = 2
_STATUS = 3
_ID = 12
_ZONE = 18
_STATUS_MASK = 26
_TUPLE_IP = 1
_TUPLE_PROTOCOL = 2
_SOURCE = {4: 1, 6: 3}
_PROTOCOL = 1
_SOURCE_PORT = 2
_DESTINATION_PORT = 3
_DESTINATION_TRANSLATED = (1 << 5).to_bytes(4, "big")  # IPS_DST_NAT
_GONE = (2, 16)  # ENOENT, EBUSY: the flow ended, or became another, meanwhile


def forget_flows(address: Address, ports: Collection[int]) -> int:
    """Drop the UDP flows whose destination was translated to `address`; return how many; raises OSError.

    With `ports`, only flows to one of them, as the client named it or as the container has it.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    channel = Channel(NETLINK_NETFILTER)
    try:
        wanted = attribute(_STATUS, _DESTINATION_TRANSLATED) + attribute(_STATUS_MASK, _DESTINATION_TRANSLATED)
        flows = (dict(attributes(body, _HEAD_BYTES)) for _, body in channel.dump(_GET, head(family) + wanted))
        doomed = [_deletion(family, flow) for flow in flows if _leads_to(flow, address, ports)]
        errors = channel.transact(doomed) if doomed else {}
    finally:
        channel.close()
    for error in errors.values():
        if error.errno not in _GONE:
            raise error
    return len(doomed) - len(errors)


def _leads_to(flow: dict[int, bytes], address: Address, ports: Collection[int]) -> bool:
    """Whether a flow was translated to `address`. Asked of each: kernels before 5.15 list all flows."""
    asked, answering = (dict(attributes(flow.get(kind, b""))) for kind in (_ORIGINAL, _REPLY))
    protocol = dict(attributes(asked.get(_TUPLE_PROTOCOL, b"")))
    answer = dict(attributes(answering.get(_TUPLE_PROTOCOL, b"")))
    source = dict(attributes(answering.get(_TUPLE_IP, b""))).get(_SOURCE[address.version])
    status = int.from_bytes(flow.get(_STATUS, b""), "big")
    if source != address.packed or protocol.get(_PROTOCOL) != bytes([socket.IPPROTO_UDP]):
        return False
    if not status & int.from_bytes(_DESTINATION_TRANSLATED, "big"):
        return False
    named = {
        int.from_bytes(part, "big") for part in (protocol.get(_DESTINATION_PORT), answer.get(_SOURCE_PORT)) if part
    }
    return not ports or not named.isdisjoint(ports)


def _deletion(family: int, flow: dict[int, bytes]) -> Request:
    body = head(family) + attribute(_ORIGINAL | NESTED, flow[_ORIGINAL])
    for kind in (_ID, _ZONE):
        if kind in flow:
            body += attribute(kind, flow[kind])
    return Request(_DELETE, 0, body)
