"""IPAM.Config as text, and Docker's words for what is wrong with it."""

from ipaddress import ip_address, ip_network

import pytest

from weft.ipam.validation import PoolText, parse_pools
from weft.model.errors import InvalidParameter
from weft.model.network import PoolSpec


def test_a_whole_entry() -> None:
    text = PoolText(
        subnet="10.0.0.0/16", ip_range="10.0.5.0/24", gateway="10.0.0.254", aux_addresses={"printer": "10.0.0.9"}
    )
    assert parse_pools([text]) == (
        PoolSpec(
            subnet=ip_network("10.0.0.0/16"),
            ip_range=ip_network("10.0.5.0/24"),
            gateway=ip_address("10.0.0.254"),
            aux_addresses={"printer": ip_address("10.0.0.9")},
        ),
    )


SUBNET = "10.0.0.0/24"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (PoolText(subnet="10.0.0.1/24"), "invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"),
        (PoolText(subnet="10.0.0.0"), "invalid subnet 10.0.0.0: invalid CIDR block notation"),
        (PoolText(subnet="10.0.0.0/33"), "invalid subnet 10.0.0.0/33: invalid CIDR block notation"),
        (PoolText(subnet="10.0.0.0/255.0.0.0"), "invalid subnet 10.0.0.0/255.0.0.0: invalid CIDR block notation"),
        (PoolText(subnet="fe80::%eth0/64"), "invalid subnet fe80::%eth0/64: invalid CIDR block notation"),
        (
            PoolText(subnet=SUBNET, ip_range="10.0.0.0/16"),
            "invalid ip-range 10.0.0.0/16: CIDR block is bigger than its parent subnet 10.0.0.0/24",
        ),
        (
            PoolText(subnet=SUBNET, ip_range="10.0.1.0/25"),
            "invalid ip-range 10.0.1.0/25: parent subnet 10.0.0.0/24 doesn't contain ip-range",
        ),
        (
            PoolText(subnet=SUBNET, ip_range="10.0.0.5/25"),
            "invalid ip-range 10.0.0.5/25: it should be 10.0.0.0/25",
        ),
        (
            PoolText(subnet=SUBNET, ip_range="fd00::/64"),
            "invalid ip-range fd00::/64: parent subnet is an IPv4 block",
        ),
        (
            PoolText(subnet=SUBNET, gateway="10.0.1.1"),
            "invalid gateway 10.0.1.1: parent subnet 10.0.0.0/24 doesn't contain this address",
        ),
        (PoolText(subnet=SUBNET, gateway="x"), "invalid gateway x: invalid address"),
        (PoolText(subnet=SUBNET, gateway="fd00::1"), "invalid gateway fd00::1: parent subnet is an IPv4 block"),
        (
            PoolText(subnet="fd00::/64", aux_addresses={"a": "10.0.0.1"}),
            "invalid auxiliary address a: parent subnet is an IPv6 block",
        ),
        (
            PoolText(subnet=SUBNET, aux_addresses={"a": "10.0.9.9"}),
            "invalid auxiliary address a: parent subnet 10.0.0.0/24 doesn't contain this address",
        ),
        (
            PoolText(gateway="10.0.0.1"),
            "every ip-range, gateway or auxiliary address must have a corresponding subnet",
        ),
        (
            PoolText(subnet="0.0.0.0/24", gateway="10.0.0.1"),
            "every ip-range, gateway or auxiliary address must have a corresponding subnet",
        ),
    ],
)
def test_one_fault(entry: PoolText, fault: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        parse_pools([entry])
    assert caught.value.message == f"invalid network config:\n{fault}"


def test_every_fault_is_named() -> None:
    entries = [PoolText(subnet="10.0.0.1/24"), PoolText(subnet="x"), PoolText(subnet=SUBNET, gateway="y")]
    with pytest.raises(InvalidParameter) as caught:
        parse_pools(entries)
    assert caught.value.message == (
        "invalid network config:\n"
        "* invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24\n"
        "* invalid subnet x: invalid CIDR block notation\n"
        "* invalid gateway y: invalid address"
    )


def test_pools_of_a_disabled_family_are_left_out() -> None:
    entries = [PoolText(subnet=SUBNET), PoolText(subnet="fd00::/64", gateway="fd01::1")]
    assert [pool.subnet for pool in parse_pools(entries, ipv6=False)] == [ip_network(SUBNET)]
    with pytest.raises(InvalidParameter, match="invalid gateway fd01::1"):
        parse_pools(entries)


def test_a_preferred_size_is_no_fault() -> None:
    assert [str(pool.subnet) for pool in parse_pools([PoolText(subnet="0.0.0.0/24"), PoolText(subnet="::/120")])] == [
        "0.0.0.0/24",
        "::/120",
    ]


@pytest.mark.parametrize(
    "subnet", ["127.0.0.0/8", "126.0.0.0/7", "127.9.0.0/16", "224.0.0.0/24", "::1/128", "ff02::/64"]
)
def test_what_no_host_can_have_is_no_subnet(subnet: str) -> None:
    with pytest.raises(InvalidParameter, match=f"invalid subnet {subnet}: .* is not for hosts"):
        parse_pools([PoolText(subnet=subnet)])
