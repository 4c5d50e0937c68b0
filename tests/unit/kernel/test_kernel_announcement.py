"""Frames that announce addresses, byte by byte."""

import struct
from ipaddress import IPv4Address, IPv6Address

from weft.kernel.announcement import announcement

MAC = "02:42:ac:11:00:02"


def test_a_gratuitous_arp() -> None:
    frame = announcement(IPv4Address("172.17.0.2"), MAC)
    assert frame.hex() == (
        "ffffffffffff0242ac1100020806"  # to all, ARP
        "00010800060400010242ac110002ac110002"  # a request by 172.17.0.2
        "000000000000ac110002"  # for itself
    )


def test_an_unsolicited_advertisement() -> None:
    address = IPv6Address("fd00::2")
    frame = announcement(address, MAC)
    assert frame[:14].hex() == "3333000000010242ac11000286dd"
    assert frame[14:22].hex() == "6000000000203aff"  # 32 bytes of ICMPv6, hop limit 255
    assert (frame[22:38], frame[38:54]) == (address.packed, IPv6Address("ff02::1").packed)
    message = frame[54:]
    assert (message[0], message[1], message[4:8].hex()) == (136, 0, "20000000")
    assert message[8:24] == address.packed
    assert message[24:].hex() == "02010242ac110002"
    # RFC 1071: over pseudo-header and message the sum is all ones
    covered = frame[22:54] + struct.pack("!II", len(message), 58) + message
    total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF
