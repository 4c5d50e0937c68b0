"""Queueing disciplines as rtnetlink messages (Linux include/uapi/linux/pkt_sched.h)."""

import struct
import sys

from weft.kernel.netlink.message import CREATE, REPLACE, Request, attribute, number, text
from weft.plan.operations import DelayPackets, LimitRate

NEW_QUEUE = 36
DELETE_QUEUE = 37
GET_QUEUE = 38

HEAD = struct.Struct("=BxxxiIII")  # family, link, handle, parent, info
_ROOT = 0xFFFFFFFF
_RATE_HANDLE = 0x10000  # 1:
_RATE_CLASS = 0x10001  # 1:1, the one class of tbf
_DELAY_HANDLE = 0x100000  # 10:
_KIND = 1
_OPTIONS = 2
_TBF_PARAMETERS = 1
_TBF_RATE64 = 4
_TBF_BURST = 6
_RATE_SPEC = struct.Struct("=BBHhHI")  # cell size, link layer, overhead, alignment, least packet, bytes a second
_TBF_TAIL = struct.Struct("=III")  # queue in bytes; burst as a time and MTU, which other attributes stand for
_ETHERNET = 1  # the kernel computes times itself, without a table of them
_NETEM = struct.Struct("=IIIIII")  # delay, packets held, loss, gap, duplicates, jitter; times in attributes instead
_NETEM_DELAY64 = 10
_NETEM_JITTER64 = 11
_HELD_PACKETS = 100_000  # half a second of 10 Gbit/s in segments of 6 kB
_CERTAIN = 0xFFFFFFFF  # a probability of one


def limit_rate(operation: LimitRate, link: int) -> Request:
    """Return the request that makes a token bucket (tbf) the link's queue, in place of another."""
    rate = operation.rate
    spec = _RATE_SPEC.pack(0, _ETHERNET, 0, 0, 0, min(rate, 0xFFFFFFFF))
    parameters = spec + bytes(_RATE_SPEC.size) + _TBF_TAIL.pack(operation.queue, 0, 0)
    options = attribute(_TBF_PARAMETERS, parameters) + number(_TBF_BURST, operation.burst)
    options += attribute(_TBF_RATE64, rate.to_bytes(8, sys.byteorder))
    head = HEAD.pack(0, link, _RATE_HANDLE, _ROOT, 0)
    return Request(NEW_QUEUE, CREATE | REPLACE, head + text(_KIND, "tbf") + attribute(_OPTIONS, options))


def delay_packets(operation: DelayPackets, link: int) -> Request:
    """Return the request that delays and loses packets (netem), in the token bucket where there is one."""
    loss = round(operation.loss * _CERTAIN / 1_000_000)
    options = _NETEM.pack(0, _HELD_PACKETS, loss, 0, 0, 0)
    for kind, microseconds in ((_NETEM_DELAY64, operation.delay), (_NETEM_JITTER64, operation.jitter)):
        options += attribute(kind, (microseconds * 1000).to_bytes(8, sys.byteorder, signed=True))
    head = HEAD.pack(0, link, _DELAY_HANDLE, _RATE_CLASS if operation.below_rate else _ROOT, 0)
    return Request(NEW_QUEUE, CREATE | REPLACE, head + text(_KIND, "netem") + attribute(_OPTIONS, options))


def clear_queue(link: int) -> Request:
    """Return the request that gives a link its default queue back; ENOENT where it has no other."""
    return Request(DELETE_QUEUE, 0, HEAD.pack(0, link, 0, _ROOT, 0))
