"""What the kernel answers: sockets, tables."""

import socket
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from weft.engine.contract.kernel import Listener
from weft.kernel.netlink.message import attribute, text
from weft.kernel.netlink.netfilter import INET, Table, head, parse_table
from weft.kernel.sockdiag import parse, sctp_listeners
from weft.model.port import Protocol


def answer(family: int, address: str, port: int, *, only_ipv6: bool = False) -> bytes:
    packed = ip_address(address).packed.ljust(16, b"\0")
    body = bytes([family, 10, 0, 0]) + port.to_bytes(2, "big") + bytes(2) + packed
    return body.ljust(72, b"\0") + attribute(11, bytes([only_ipv6]))


def found(family: int, address: str, **options: bool) -> set[tuple[str, int]]:
    listeners = set(parse(Protocol.TCP, answer(family, address, 80, **options)))
    assert all(isinstance(listener, Listener) for listener in listeners)
    return {(str(listener.address), listener.port) for listener in listeners}


def test_sockets() -> None:
    assert found(socket.AF_INET, "127.0.0.1") == {("127.0.0.1", 80)}
    assert found(socket.AF_INET6, "fd00::1") == {("fd00::1", 80)}
    assert found(socket.AF_INET6, "::") == {("::", 80), ("0.0.0.0", 80)}
    assert found(socket.AF_INET6, "::", only_ipv6=True) == {("::", 80)}
    assert found(socket.AF_INET6, "::ffff:10.0.0.1") == {("10.0.0.1", 80)}


def test_sctp_endpoints() -> None:
    table = """ ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS
00000000f0d1bd51 000000005c6d3b2f 2   10  21   5000      0 21233 0.0.0.0 
0000000051d2e53c 00000000aa6d3b20 2   10  34   5001   1000 21234 10.0.0.5 10.0.0.6 
0000000051d2e53d 00000000aa6d3b21 2   10  35   5002      0 21235 0000:0000:0000:0000:0000:0000:0000:0000 
"""  # noqa: W291 - as the kernel writes it
    assert [(str(each.address), each.port) for each in sctp_listeners(table)] == [
        ("0.0.0.0", 5000),
        ("10.0.0.5", 5001),
        ("10.0.0.6", 5001),
        ("::", 5002),
        ("0.0.0.0", 5002),
    ]
    assert {each.protocol for each in sctp_listeners(table)} == {Protocol.SCTP}
    assert list(sctp_listeners("")) == []


def test_unbound_socket_occupies_nothing() -> None:
    assert not list(parse(Protocol.UDP, answer(socket.AF_INET, "0.0.0.0", 0)))


def test_table_with_its_comment() -> None:
    comment = b"weft /run/weft\0"
    data = bytes([0, len(comment)]) + comment
    body = head(INET) + text(1, "weft") + attribute(4, (7).to_bytes(8, "big")) + attribute(6, data)
    assert parse_table(body) == Table("weft", 7, "weft /run/weft")
    assert parse_table(head(2) + text(1, "weft")) is None


@given(st.binary(max_size=200))
def test_malformed_answers_end_quietly(data: bytes) -> None:
    parse_table(data)
    list(parse(Protocol.TCP, data))
