"""Addresses of networks with several pools, and of networks that share a subnet."""

from __future__ import annotations

from ipaddress import IPv4Interface, ip_address, ip_network

import pytest

from weft.engine.sandbox.addresses import AddressBook
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Forbidden, InvalidParameter, Unavailable
from weft.model.network import NetworkRecord, NetworkSpec, Pool

TWO = (
    Pool(subnet=ip_network("10.1.0.0/30")),
    Pool(subnet=ip_network("10.2.0.0/30")),
    Pool(subnet=ip_network("fd01::/126")),
)


def network(network_id: str, *pools: Pool) -> NetworkRecord:
    return NetworkRecord(id=network_id, created=0, spec=NetworkSpec(name=network_id), pools=pools)


def book(*networks: NetworkRecord) -> AddressBook:
    made = AddressBook()
    made.restore(networks, ())
    return made


def taken(addresses: AddressBook, record: NetworkRecord, ipv4: str = "", ipv6: str = "") -> tuple[str, ...]:
    spec = EndpointSpec(ipv4=ip_address(ipv4) if ipv4 else None, ipv6=ip_address(ipv6) if ipv6 else None)  # type: ignore[arg-type]
    return tuple(str(interface) for interface in addresses.take(record, spec))


def test_an_address_of_any_pool_and_the_first_that_has_one_left() -> None:
    record = network("n", *TWO)
    addresses = book(record)
    assert taken(addresses, record, "10.2.0.2") == ("10.2.0.2/30", "fd01::1/126")
    assert taken(addresses, record) == ("10.1.0.1/30", "fd01::2/126")
    assert taken(addresses, record) == ("10.1.0.2/30", "fd01::3/126")
    with pytest.raises(Unavailable):
        taken(addresses, record)  # of IPv6, and the IPv4 address is given back
    assert taken(book(record), record, "10.1.0.2") == ("10.1.0.2/30", "fd01::1/126")
    with pytest.raises(InvalidParameter, match=r"no configured subnet contains IP address 10.3.0.1"):
        taken(addresses, record, "10.3.0.1")


def test_what_is_released_goes_back_to_its_own_pool() -> None:
    record = network("n", *TWO[:2])
    addresses = book(record)
    for expected in ("10.1.0.1/30", "10.1.0.2/30", "10.2.0.1/30", "10.2.0.2/30"):
        assert taken(addresses, record) == (expected, "None")
    with pytest.raises(Unavailable):
        taken(addresses, record)
    addresses.release(Endpoint(id="e", network_id="n", ipv4=IPv4Interface("10.2.0.1/30")))
    assert taken(addresses, record) == ("10.2.0.1/30", "None")


def test_networks_of_one_subnet_share_what_is_free() -> None:
    subnet = ip_network("10.1.0.0/29")
    first, second = network("a", Pool(subnet=subnet)), network("b", Pool(subnet=subnet, gateway=ip_address("10.1.0.6")))
    addresses = book(first, second)
    assert [taken(addresses, each)[0] for each in (first, second, first)] == [
        "10.1.0.1/29",
        "10.1.0.2/29",
        "10.1.0.3/29",
    ]
    with pytest.raises(Forbidden, match="Address already in use"):
        taken(addresses, second, "10.1.0.1")
    with pytest.raises(Forbidden, match="Address already in use"):
        taken(addresses, first, "10.1.0.6")
    addresses.forget("a")
    assert taken(addresses, second, "10.1.0.1")[0] == "10.1.0.1/29"


def test_addresses_that_a_network_needs_for_itself() -> None:
    subnet = ip_network("10.1.0.0/29")
    addresses = book(network("a", Pool(subnet=subnet)))
    taken(addresses, network("a"))
    (pool,) = addresses.reserve((Pool(subnet=subnet),), ("host_access",))
    assert pool.aux_addresses == {"host_access": ip_address("10.1.0.2")}
    given = Pool(subnet=subnet, aux_addresses={"host_access": ip_address("10.1.0.5")})
    assert addresses.reserve((given,), ("host_access",)) == (given,)
    for held in (
        Pool(subnet=subnet, gateway=ip_address("10.1.0.1")),
        Pool(subnet=subnet, aux_addresses={"x": ip_address("10.1.0.1")}),
    ):
        with pytest.raises(Forbidden, match=r"failed to allocate .* Address already in use"):
            addresses.reserve((held,), ())
