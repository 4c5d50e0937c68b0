"""Pools of a new network: chosen, named, refused."""

from collections.abc import Iterable
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.ipam.default_pools import LOCAL_POOLS, DefaultPool, ula_pool
from weft.ipam.resolve import resolve_pools
from weft.model.errors import Forbidden, InvalidParameter
from weft.model.network import NetworkSpec, Pool, PoolSpec

HOST_ID = "3f1c"


def wanted(subnet: str, **rest: Any) -> PoolSpec:
    return PoolSpec(subnet=ip_network(subnet), **rest)


def resolve(*pools: PoolSpec, taken: Iterable[str] = (), routes: Iterable[str] = (), **rest: Any) -> tuple[Pool, ...]:
    families = {name: rest.pop(name) for name in ("ipv4", "ipv6") if name in rest}
    return resolve_pools(
        NetworkSpec(name="n", pools=pools, **families),
        host_id=HOST_ID,
        allocated=[(f"net{number}", ip_network(subnet)) for number, subnet in enumerate(taken)],
        host_routes=[ip_network(route) for route in routes],
        **rest,
    )


def shown(pools: Iterable[Pool]) -> list[tuple[str, str]]:
    return [(str(pool.subnet), str(pool.gateway)) for pool in pools]


def test_docker_s_default_pools_in_order() -> None:
    taken: list[str] = []
    for _ in range(31):
        (pool,) = resolve(taken=taken)
        assert pool.chosen
        taken.append(str(pool.subnet))
    assert taken[:4] == ["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/16"]
    assert taken[14:17] == ["172.31.0.0/16", "192.168.0.0/20", "192.168.16.0/20"]
    assert taken[-1] == "192.168.240.0/20"
    with pytest.raises(InvalidParameter) as caught:
        resolve(taken=taken)
    assert caught.value.message.startswith(
        "all predefined address pools have been fully subnetted: taken by 172.17.0.0/16 of"
    )
    assert '"net0"' in caught.value.message
    assert "and 26 more" in caught.value.message


def test_exhaustion_names_the_route_in_the_way() -> None:
    with pytest.raises(InvalidParameter) as caught:
        resolve(default_pools=[(ip_network("10.5.0.0/16"), 16)], routes=["10.5.7.0/24", "192.0.2.0/24"])
    assert "10.5.7.0/24 of a route of the host;" in caught.value.message
    assert "192.0.2.0" not in caught.value.message


def test_host_routes_are_kept_clear_of_but_not_the_default_one() -> None:
    assert shown(resolve(routes=["172.17.3.0/24", "172.18.0.0/15", "0.0.0.0/0"])) == [("172.20.0.0/16", "172.20.0.1")]


def test_a_named_subnet_may_lie_on_a_host_route() -> None:
    (pool,) = resolve(wanted("172.17.0.0/24"), routes=["172.17.0.0/16"])
    assert str(pool.subnet) == "172.17.0.0/24"
    assert not pool.chosen


def test_default_address_pools_of_the_configuration() -> None:
    pools = [(ip_network("175.30.0.0/16"), 16), (ip_network("175.33.0.0/16"), 24)]
    taken: list[str] = []
    for _ in range(3):
        (pool,) = resolve(taken=taken, default_pools=pools)
        taken.append(str(pool.subnet))
    assert taken == ["175.30.0.0/16", "175.33.0.0/24", "175.33.1.0/24"]


@pytest.mark.parametrize("size", [8, 33])
def test_a_pool_that_cannot_be_cut(size: int) -> None:
    with pytest.raises(InvalidParameter, match="between 16 and 32"):
        DefaultPool(ip_network("10.0.0.0/16"), size)


def test_a_preferred_size() -> None:
    first, second = resolve(wanted("0.0.0.0/24"), wanted("::/120"), ipv6=True, taken=["172.17.0.0/16"])
    assert str(first.subnet) == "172.18.0.0/24"
    assert second.subnet.prefixlen == 120
    assert second.subnet.subnet_of(ula_pool(HOST_ID).base)  # type: ignore[arg-type]
    assert first.chosen
    assert second.chosen


def test_a_preference_of_no_size_is_none() -> None:
    assert shown(resolve(wanted("0.0.0.0/0"))) == [("172.17.0.0/16", "172.17.0.1")]


def test_ipv6_without_a_subnet_comes_from_the_host_s_own_prefix() -> None:
    digest = sha256(HOST_ID.encode()).hexdigest()
    words = digest[6:16]  # the low 40 bits of the first 8 bytes
    base = ip_network(f"fd{words[:2]}:{words[2:6]}:{words[6:]}::/48")
    ipv4, ipv6 = resolve(ipv6=True)
    assert ipv4.subnet.version == 4
    assert str(ipv6.subnet) == str(ip_network((base.network_address, 64)))
    assert ipv6.gateway == base[1]
    (again,) = resolve(ipv4=False, ipv6=True, taken=[str(ipv6.subnet)])
    assert again.subnet.network_address == base.network_address + (1 << 64)


def test_a_configured_ipv6_pool_replaces_the_own_prefix() -> None:
    (pool,) = resolve(ipv4=False, ipv6=True, default_pools=[(ip_network("2001:db8::/56"), 64)])
    assert str(pool.subnet) == "2001:db8::/64"


def test_a_configuration_without_ipv4_has_none_to_give() -> None:
    with pytest.raises(InvalidParameter, match=r"all predefined address pools .* no default pool holds an IPv4 subnet"):
        resolve(default_pools=[(ip_network("2001:db8::/56"), 64)])


def test_a_network_needs_a_family() -> None:
    with pytest.raises(InvalidParameter, match=r"^IPv4 or IPv6 must be enabled$"):
        resolve(ipv4=False, ipv6=False)


def test_pools_of_a_disabled_family_are_not_allocated() -> None:
    pools = resolve(wanted("fd00::/64"), wanted("10.1.0.0/24"), ipv6=False)
    assert [str(pool.subnet) for pool in pools] == ["10.1.0.0/24"]


@pytest.mark.parametrize("subnet", ["10.1.0.0/24", "10.1.0.128/25", "10.0.0.0/8"])
def test_an_overlap_names_the_other_network(subnet: str) -> None:
    with pytest.raises(Forbidden) as caught:
        resolve(wanted(subnet), taken=["10.2.0.0/24" if subnet != "10.0.0.0/8" else "11.0.0.0/8", "10.1.0.0/24"])
    assert caught.value.message.startswith(
        "invalid pool request: Pool overlaps with other one on this address space: "
        f'{subnet} overlaps 10.1.0.0/24 of network "net1"'
    )


def test_two_subnets_of_one_request_that_overlap() -> None:
    with pytest.raises(Forbidden, match="of this same network"):
        resolve(wanted("10.1.0.0/24"), wanted("10.1.0.0/25"))


def test_a_chosen_subnet_keeps_clear_of_a_named_one() -> None:
    pools = resolve(wanted("0.0.0.0/16"), wanted("172.17.0.0/16"))
    assert [str(pool.subnet) for pool in pools] == ["172.18.0.0/16", "172.17.0.0/16"]


@pytest.mark.parametrize(
    ("pool", "gateway"),
    [
        (wanted("10.1.0.0/24"), "10.1.0.1"),
        (wanted("10.1.0.0/24", gateway=ip_address("10.1.0.254")), "10.1.0.254"),
        (wanted("10.1.0.0/24", ip_range=ip_network("10.1.0.128/25")), "10.1.0.128"),
        (wanted("10.1.0.0/24", ip_range=ip_network("10.1.0.0/25")), "10.1.0.1"),
        (wanted("10.1.0.0/24", aux_addresses={"a": ip_address("10.1.0.1")}), "10.1.0.2"),
        (wanted("10.1.0.0/31"), "10.1.0.0"),
    ],
)
def test_the_gateway_is_the_first_free_address(pool: PoolSpec, gateway: str) -> None:
    (resolved,) = resolve(pool)
    assert str(resolved.gateway) == gateway


def test_no_gateway_where_the_driver_needs_none() -> None:
    assert shown(resolve(wanted("10.1.0.0/31"), without_gateway={4})) == [("10.1.0.0/31", "None")]
    named = wanted("10.1.0.0/24", gateway=ip_address("10.1.0.9"))
    assert shown(resolve(named, without_gateway={4})) == [("10.1.0.0/24", "10.1.0.9")]


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        (
            wanted("10.1.0.0/24", gateway=ip_address("10.1.0.255")),
            "failed to allocate gateway (10.1.0.255): Address already in use",
        ),
        (
            wanted("10.1.0.0/24", gateway=ip_address("10.1.0.1"), aux_addresses={"a": ip_address("10.1.0.1")}),
            "failed to allocate secondary ip address (a:10.1.0.1): Address already in use",
        ),
    ],
)
def test_an_address_promised_twice(pool: PoolSpec, message: str) -> None:
    with pytest.raises(Forbidden) as caught:
        resolve(pool)
    assert caught.value.message == message


def test_parts_that_do_not_fit_are_refused_here_too() -> None:
    with pytest.raises(InvalidParameter, match=r"invalid network config:\ninvalid gateway 10.2.0.1"):
        resolve(wanted("10.1.0.0/24", gateway=ip_address("10.2.0.1")))
    with pytest.raises(InvalidParameter, match="must have a corresponding subnet"):
        resolve(PoolSpec(gateway=ip_address("10.2.0.1")))


ROUTES = st.builds(
    lambda first, second, prefix: str(ip_network(f"{first}.{second}.0.0/{prefix}", strict=False)),
    st.sampled_from([172, 192]),
    st.integers(0, 255),
    st.integers(9, 24),
)


@given(st.lists(ROUTES, max_size=12), st.lists(ROUTES, max_size=6), st.one_of(st.none(), st.integers(16, 28)))
def test_a_chosen_subnet_overlaps_nothing(taken: list[str], routes: list[str], prefix: int | None) -> None:
    pools = () if prefix is None else (wanted(f"0.0.0.0/{prefix}"),)
    try:
        (pool,) = resolve(*pools, taken=taken, routes=routes)
    except InvalidParameter:
        return
    assert not any(pool.subnet.overlaps(ip_network(other)) for other in (*taken, *routes))
    assert any(pool.subnet.subnet_of(default.base) for default in LOCAL_POOLS)  # type: ignore[arg-type]
    assert prefix in (None, pool.subnet.prefixlen)


SHARED = Pool(subnet=ip_network("10.1.0.0/24"), ip_range=ip_network("10.1.0.128/25"))


@pytest.mark.parametrize("ip_range", ["10.1.0.128/26", "10.1.0.0/25"])
def test_a_subnet_is_shared_by_pools_with_ranges_of_their_own(ip_range: str) -> None:
    (pool,) = resolve(wanted("10.1.0.0/24", ip_range=ip_network(ip_range)), shared=[("first", SHARED)])
    assert str(pool.ip_range) == ip_range
    with pytest.raises(Forbidden, match=r'10.1.0.0/24 overlaps 10.1.0.0/24 of network "net0"'):
        resolve(wanted("10.1.0.0/24", ip_range=ip_network(ip_range)), taken=["10.1.0.0/24"])


@pytest.mark.parametrize("rest", [{}, {"ip_range": ip_network("10.1.0.128/25")}], ids=["no range", "the same range"])
def test_a_subnet_is_not_shared_otherwise(rest: dict[str, Any]) -> None:
    with pytest.raises(Forbidden, match=r'Pool overlaps .* of network "first"; choose another subnet'):
        resolve(wanted("10.1.0.0/24", **rest), shared=[("first", SHARED)])


def test_chosen_subnets_keep_clear_of_shared_ones() -> None:
    (pool,) = resolve(shared=[("first", Pool(subnet=ip_network("172.17.0.0/16")))])
    assert str(pool.subnet) == "172.18.0.0/16"
