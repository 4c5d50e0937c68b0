"""Zones: who holds a name, and that a change makes a new zone."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from weft.dns.zone import Zone, endpoint


def packed(*addresses: str) -> list[bytes]:
    return [ip_address(address).packed for address in addresses]


def test_names_are_normalised_and_impossible_ones_left_out() -> None:
    made = endpoint(["Web", "web.", "WEB", "a..b", "x" * 64, "db"], packed("10.0.0.2", "10.0.0.2"))
    assert made.names == (b"web", b"db")
    assert made.addresses == tuple(packed("10.0.0.2"))


def test_a_name_held_by_several_has_all_their_addresses() -> None:
    zone = Zone().with_endpoint("e1", endpoint(["one", "api"], packed("10.0.0.2", "fd00::2")))
    zone = zone.with_endpoint("e2", endpoint(["two", "api"], packed("10.0.0.3")))
    assert zone.addresses(b"api") == tuple(packed("10.0.0.2", "fd00::2", "10.0.0.3"))
    assert zone.addresses(b"one") == tuple(packed("10.0.0.2", "fd00::2"))
    assert zone.addresses(b"nobody") is None
    assert zone.name_of(packed("10.0.0.3")[0]) == b"two"


def test_a_change_leaves_the_old_zone_as_it_was() -> None:
    before = Zone().with_endpoint("e1", endpoint(["one"], packed("10.0.0.2")))
    after = before.with_endpoint("e1", endpoint(["uno"], packed("10.0.0.9")))
    assert before.addresses(b"one") is not None
    assert after.addresses(b"one") is None
    assert after.addresses(b"uno") == tuple(packed("10.0.0.9"))
    assert after.name_of(packed("10.0.0.2")[0]) is None
    assert after.without("nobody") is after


def test_an_address_taken_over_keeps_its_pointer_when_the_former_holder_goes() -> None:
    zone = Zone().with_endpoint("old", endpoint(["web"], packed("10.0.0.2")))
    zone = zone.with_endpoint("new", endpoint(["web2"], packed("10.0.0.2")))
    assert zone.without("old").name_of(packed("10.0.0.2")[0]) == b"web2"
    assert zone.without("new").name_of(packed("10.0.0.2")[0]) == b"web"


_NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=3)
_ADDRESSES = st.lists(st.sampled_from(packed("10.0.0.1", "10.0.0.2", "fd00::1")), max_size=2)
_CHANGES = st.lists(st.tuples(st.sampled_from(["e1", "e2", "e3"]), st.one_of(st.none(), st.tuples(_NAMES, _ADDRESSES))))


@given(_CHANGES)
def test_a_zone_changed_step_by_step_equals_one_made_at_once(changes: list[tuple[str, tuple | None]]) -> None:
    zone, expected = Zone(), {}
    for ident, entry in changes:
        expected.pop(ident, None)
        if entry is None:
            zone = zone.without(ident)
        else:
            expected[ident] = endpoint(*entry)
            zone = zone.with_endpoint(ident, expected[ident])
    fresh = Zone(expected)
    assert len(zone) == len(fresh)
    for name in (b"a", b"b", b"c", b"d"):
        assert zone.addresses(name) == fresh.addresses(name)
    for address in packed("10.0.0.1", "10.0.0.2", "fd00::1"):
        assert zone.name_of(address) == fresh.name_of(address)
