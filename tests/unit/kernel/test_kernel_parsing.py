"""What the kernel answers: sockets, tables."""

import socket
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from weft.engine.contract.kernel import Listener
from weft.kernel.netlink.message import attribute, text
from weft.kernel.netlink.netfilter import INET, Table, head, parse_table
from weft.kernel.sockdiag import parse
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
