"""Frames that tell neighbours an address: ARP announcements and unsolicited neighbour advertisements."""

import struct
from ipaddress import IPv4Address, IPv6Address

from weft.model.address import Address

_BROADCAST = bytes.fromhex("ffffffffffff")
_ALL_NODES = IPv6Address("ff02::1")
_ALL_NODES_MAC = bytes.fromhex("333300000001")  # RFC 2464, 7
_ARP, _IPV6 = 0x0806, 0x86DD
_ETHERNET, _IPV4, _REQUEST = 1, 0x0800, 1
_ICMPV6, _ADVERTISEMENT, _OVERRIDE, _TARGET_LINK = 58, 136, 0x20000000, 2


def announcement(address: Address, mac: str) -> bytes:
    """Return an Ethernet frame that says `address` is at `mac`."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    return _arp(address, hardware) if isinstance(address, IPv4Address) else _advertisement(address, hardware)


def _arp(address: IPv4Address, mac: bytes) -> bytes:
    """RFC 5227, 2.3: a request by the address for itself."""
    head = struct.pack("!HHBBH", _ETHERNET, _IPV4, len(mac), 4, _REQUEST)
    body = head + mac + address.packed + bytes(6) + address.packed
    return _BROADCAST + mac + struct.pack("!H", _ARP) + body


def _advertisement(address: IPv6Address, mac: bytes) -> bytes:
    """RFC 4861, 4.4 and 7.2.6: to all nodes, the override flag set."""
    option = struct.pack("!BB", _TARGET_LINK, 1) + mac
    message = struct.pack("!BBHI", _ADVERTISEMENT, 0, 0, _OVERRIDE) + address.packed + option
    checksum = _checksum(
        address.packed + _ALL_NODES.packed + struct.pack("!IHBB", len(message), 0, 0, _ICMPV6) + message
    )
    message = message[:2] + struct.pack("!H", checksum) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), _ICMPV6, 255) + address.packed + _ALL_NODES.packed
    return _ALL_NODES_MAC + mac + struct.pack("!H", _IPV6) + header + message


def _checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
