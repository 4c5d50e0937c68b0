"""The first free block, against trying every one."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from weft.ipam.free_space import Occupied, first_free

SUBNETS = st.builds(
    lambda prefix, number: list(ip_network("10.0.0.0/20").subnets(new_prefix=prefix))[number % (1 << (prefix - 20))],
    st.integers(20, 28),
    st.integers(0, 255),
)


@given(st.lists(SUBNETS, max_size=30), st.integers(20, 28))
def test_the_lowest_block_that_overlaps_nothing(taken: list, prefix: int) -> None:
    base = ip_network("10.0.0.0/20")
    expected = next((s for s in base.subnets(new_prefix=prefix) if not any(s.overlaps(t) for t in taken)), None)
    assert first_free(base, prefix, Occupied(taken)) == expected


def test_a_block_larger_than_the_pool() -> None:
    assert first_free(ip_network("10.0.0.0/16"), 8, Occupied(())) is None


def test_obstacles_that_reach_beyond_the_pool() -> None:
    occupied = Occupied([ip_network("10.0.0.0/15")])
    assert first_free(ip_network("10.1.0.0/16"), 24, occupied) is None
    assert first_free(ip_network("10.2.0.0/16"), 24, occupied) == ip_network("10.2.0.0/24")


def test_a_large_pool_with_many_networks() -> None:
    base = ip_network("fd12:3456:789a::/48")
    taken = [ip_network((int(base.network_address) + (number << 64), 64)) for number in range(3000)]
    assert first_free(base, 64, Occupied(taken)) == ip_network("fd12:3456:789a:bb8::/64")
