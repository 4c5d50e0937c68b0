"""Policies of published ports, and firewall marks: read, refused, and which of several holds."""

from ipaddress import ip_network

import pytest

from weft.model.errors import InvalidParameter
from weft.model.exposure import OPEN, Exposure, Reach, check_exposure_labels, exposure_of, parse_exposure
from weft.model.mark import Mark, parse_mark
from weft.model.port import ContainerPort, Protocol

LAN, LOCALHOST = Exposure(Reach.LAN), Exposure(Reach.LOCALHOST)
WEB = ContainerPort(80)


def test_by_name() -> None:
    assert [parse_exposure(name) for name in ("open", "lan", " localhost ")] == [OPEN, LAN, LOCALHOST]


def test_a_list_is_in_order_and_without_overlaps() -> None:
    read = parse_exposure("2001:db8::/32, 10.1.0.0/16,10.0.0.0/8,192.0.2.7")
    assert read == Exposure(Reach.LISTED, tuple(map(ip_network, ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"))))
    assert parse_exposure(str(read)) == read
    assert [str(each) for each in (OPEN, LAN, LOCALHOST)] == ["open", "lan", "localhost"]


@pytest.mark.parametrize(
    "value", ["", "all", "Open", "10.0.0.1/8", "10.0.0.0/33", "lan,10.0.0.0/8", "10.0.0.0/8,", "*"]
)
def test_what_cannot_be_read_is_named(value: str) -> None:
    with pytest.raises(ValueError, match="is neither open, lan, localhost, nor a prefix"):
        parse_exposure(value)


def test_the_most_specific_one_holds() -> None:
    labels = {"weft.publish": "lan", "weft.publish.80/tcp": "open"}
    options = {"weft.publish": "localhost"}
    assert exposure_of(WEB, labels, options, OPEN) == OPEN
    assert exposure_of(ContainerPort(80, Protocol.UDP), labels, options, OPEN) == LAN
    assert exposure_of(WEB, {}, options, OPEN) == LOCALHOST
    assert exposure_of(WEB, {}, {}, LAN) == LAN
    assert exposure_of(WEB, {"weft.publish": ""}, {}, LAN) == LAN


def test_what_was_never_checked_and_cannot_be_read_is_closed() -> None:
    assert exposure_of(WEB, {"weft.publish": "evrywhere"}, {}, OPEN) == LOCALHOST


@pytest.mark.parametrize(
    ("label", "value", "reason"),
    [
        ("weft.publish", "x", '"x" is neither'),
        ("weft.publish.80/tcp", "x", '"x" is neither'),
        ("weft.publish.80", "lan", "80 is no port: write weft.publish.80/tcp"),
        ("weft.publish.0/tcp", "lan", "0/tcp is no port"),
        ("weft.publish.65536/udp", "lan", "65536/udp is no port"),
        ("weft.publish.web", "lan", "web is no port"),
    ],
)
def test_labels_are_refused_by_name(label: str, value: str, reason: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        check_exposure_labels({"other": "x", label: value})
    assert caught.value.message.startswith(f"invalid label {label}={value}: {reason}")


def test_labels_of_others_are_let_be() -> None:
    check_exposure_labels({"weft.publisher": "x", "weft.publish": "lan", "weft.publish.53/udp": "10.0.0.0/8"})


@pytest.mark.parametrize(
    ("text", "mark"),
    [("1", Mark(1)), ("0x1/0x3", Mark(1, 3)), ("010/0b11", Mark(8, 3)), ("4294967295", Mark(0xFFFFFFFF))],
)
def test_marks(text: str, mark: Mark) -> None:
    assert parse_mark(text) == mark


@pytest.mark.parametrize("text", ["", "x", "-1", "4294967296", "1/", "1/x", "1/2/3", "0x1/0x100000000"])
def test_what_is_no_mark(text: str) -> None:
    with pytest.raises(ValueError, match="invalid firewall ma"):
        parse_mark(text)
