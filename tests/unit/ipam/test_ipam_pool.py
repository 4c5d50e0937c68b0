"""Addresses of a pool: lowest free, never twice, whatever came before."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from weft.ipam.pool import AddressPool
from weft.model.errors import Forbidden, InvalidParameter, Unavailable
from weft.model.network import Pool


def pool(subnet: str, *, gateway: str | None = None, ip_range: str | None = None, **aux: str) -> AddressPool:
    return AddressPool(
        Pool(
            subnet=ip_network(subnet),
            gateway=ip_address(gateway) if gateway else None,
            ip_range=ip_network(ip_range) if ip_range else None,
            aux_addresses={name: ip_address(address) for name, address in aux.items()},
        )
    )


def all_of(addresses: AddressPool) -> list[str]:
    taken = []
    while True:
        try:
            taken.append(str(addresses.take()))
        except Unavailable:
            return taken


@pytest.mark.parametrize(
    ("subnet", "expected"),
    [
        ("10.0.0.0/29", [f"10.0.0.{n}/29" for n in range(1, 7)]),
        ("10.0.0.0/31", ["10.0.0.0/31", "10.0.0.1/31"]),
        ("10.0.0.7/32", ["10.0.0.7/32"]),
        ("fd00::/126", ["fd00::1/126", "fd00::2/126", "fd00::3/126"]),
        ("fd00::/127", ["fd00::/127", "fd00::1/127"]),
        ("fd00::7/128", ["fd00::7/128"]),
        ("255.255.255.252/30", ["255.255.255.253/30", "255.255.255.254/30"]),
    ],
)
def test_what_a_subnet_holds(subnet: str, expected: list[str]) -> None:
    assert all_of(pool(subnet)) == expected


def test_an_exhausted_pool() -> None:
    addresses = pool("10.0.0.0/30", gateway="10.0.0.1")
    addresses.take()
    with pytest.raises(Unavailable, match=r"^no available addresses on this pool$"):
        addresses.take()


def test_gateway_and_auxiliary_addresses_are_kept_back() -> None:
    addresses = pool("10.0.0.0/29", gateway="10.0.0.1", router="10.0.0.3")
    assert all_of(addresses) == ["10.0.0.2/29", "10.0.0.4/29", "10.0.0.5/29", "10.0.0.6/29"]


def test_a_range_gives_its_own_first_and_last_address() -> None:
    addresses = pool("10.0.0.0/24", gateway="10.0.0.1", ip_range="10.0.0.128/30")
    assert all_of(addresses) == [f"10.0.0.{n}/24" for n in (128, 129, 130, 131)]


def test_an_address_outside_the_range_may_be_named_and_given_back() -> None:
    addresses = pool("10.0.0.0/24", ip_range="10.0.0.128/31")
    assert str(addresses.take(ip_address("10.0.0.9"))) == "10.0.0.9/24"
    addresses.release(ip_address("10.0.0.9"))
    assert all_of(addresses) == ["10.0.0.128/24", "10.0.0.129/24"]


@pytest.mark.parametrize("taken", ["10.0.0.0", "10.0.0.255", "10.0.0.1", "10.0.0.9", "10.0.0.50"])
def test_a_named_address_that_is_taken(taken: str) -> None:
    addresses = pool("10.0.0.0/24", gateway="10.0.0.1", printer="10.0.0.9")
    addresses.take(ip_address("10.0.0.50"))
    with pytest.raises(Forbidden, match=r"^Address already in use$"):
        addresses.take(ip_address(taken))


@pytest.mark.parametrize("foreign", ["10.0.1.1", "fd00::1"])
def test_a_named_address_of_another_subnet(foreign: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^no configured subnet contains IP address {foreign}$"):
        pool("10.0.0.0/24").take(ip_address(foreign))


def test_an_address_given_back_is_the_next_one_out() -> None:
    addresses = pool("10.0.0.0/24")
    first, second, third = (addresses.take().ip for _ in range(3))
    addresses.release(second)
    addresses.release(first)
    assert [addresses.take().ip for _ in range(3)] == [first, second, ip_address("10.0.0.4")]
    assert addresses.is_taken(third)


def test_an_address_given_back_and_asked_for_by_name_is_not_handed_out_again() -> None:
    addresses = pool("10.0.0.0/24")
    first, _ = addresses.take().ip, addresses.take()
    addresses.release(first)
    addresses.take(first)
    assert str(addresses.take().ip) == "10.0.0.3"


def test_the_last_address_of_a_large_range_can_be_had() -> None:
    addresses = pool("fd00::/64", ip_range="fd00::ffff:ffff:ffff:0/112")
    assert str(addresses.take()) == "fd00::ffff:ffff:ffff:0/64"
    assert str(addresses.take(ip_address("fd00::ffff:ffff:ffff:ffff"))) == "fd00::ffff:ffff:ffff:ffff/64"


@pytest.mark.parametrize("subnet", ["10.0.0.0/16", "fd00::/64"])
def test_a_full_pool_is_not_searched(subnet: str) -> None:
    """Counted, not timed: a request looks at as many addresses as it hands out."""
    addresses = pool(subnet)
    for _ in range(60_000):
        addresses.take()
    looked_at = CountingSet(addresses._taken)
    addresses._taken = looked_at
    freed = addresses.pool.subnet[30_000]
    addresses.release(freed)
    assert addresses.take().ip == freed
    addresses.take()
    assert looked_at.lookups < 10


def test_neighbours_keep_clear_of_each_other() -> None:
    neighbours: list[AddressPool] = []
    first, second = (
        AddressPool(Pool(subnet=ip_network("10.0.0.0/29"), gateway=ip_address(gateway)), neighbours)
        for gateway in ("10.0.0.1", "10.0.0.2")
    )
    neighbours += [first, second]
    assert str(first.take()) == "10.0.0.3/29"  # the other one's gateway is no endpoint's
    assert str(second.take()) == "10.0.0.4/29"
    with pytest.raises(Forbidden, match="Address already in use"):
        second.take(ip_address("10.0.0.3"))
    assert all_of(second) == ["10.0.0.5/29", "10.0.0.6/29"]
    first.release(ip_address("10.0.0.3"))
    assert str(second.take()) == "10.0.0.3/29"  # its turn had passed while the other one had it
    second.release(ip_address("10.0.0.3"))
    assert all_of(first) == ["10.0.0.3/29"]
    assert (first.in_use, second.in_use) == (1, 3)


class CountingSet(set[int]):
    lookups = 0

    def __contains__(self, item: object) -> bool:
        self.lookups += 1
        return super().__contains__(item)


class LowestFree(RuleBasedStateMachine):
    """Against the plainest model: the set of free addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses = pool("10.9.0.0/26", gateway="10.9.0.1", ip_range="10.9.0.16/28", a="10.9.0.20", b="10.9.0.2")
        kept = {"10.9.0.0", "10.9.0.63", "10.9.0.1", "10.9.0.20", "10.9.0.2"}
        self.free = {address for address in ip_network("10.9.0.0/26") if str(address) not in kept}
        self.range = set(ip_network("10.9.0.16/28"))
        self.taken: set[object] = set()

    @rule()
    def take(self) -> None:
        if not self.free & self.range:
            with pytest.raises(Unavailable):
                self.addresses.take()
            return
        lowest = min(self.free & self.range)
        assert self.addresses.take().ip == lowest
        self.free.discard(lowest)
        self.taken.add(lowest)

    @rule(number=st.one_of(st.integers(14, 24), st.integers(0, 63)))
    def take_named(self, number: int) -> None:
        address = ip_network("10.9.0.0/26")[number]
        if address not in self.free:
            with pytest.raises(Forbidden):
                self.addresses.take(address)
            return
        assert self.addresses.take(address).ip == address
        self.free.discard(address)
        self.taken.add(address)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.taken)))  # type: ignore[type-var]
        self.addresses.release(address)
        self.taken.discard(address)
        self.free.add(address)

    @rule(number=st.integers(0, 63))
    def release_what_nobody_has(self, number: int) -> None:
        address = ip_network("10.9.0.0/26")[number]
        if address not in self.taken:
            self.addresses.release(address)

    @invariant()
    def counts_agree(self) -> None:
        assert self.addresses.in_use == len(self.taken)
        assert len(self.addresses._heap) <= 64


LowestFree.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestLowestFree = LowestFree.TestCase
