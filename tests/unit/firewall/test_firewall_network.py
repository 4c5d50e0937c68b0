"""A network's elements."""

from ipaddress import ip_address, ip_network
from typing import Any

from weft.firewall.network import network_added, network_contents, network_removed
from weft.firewall.sets import DECLARATIONS
from weft.model.segment import Segment
from weft.plan.operations import Element


def segment(**rest: Any) -> Segment:
    subnets = tuple(map(ip_network, ("10.1.0.0/24", "fd01::/64")))
    return Segment(**{"network_id": "a" * 64, "bridge": "br0", "subnets": subnets, **rest})


def words(**rest: Any) -> dict[str, list[str]]:
    return {
        name: [": ".join(filter(None, (" . ".join(element.key), " . ".join(element.value)))) for element in elements]
        for name, elements in network_contents(segment(**rest)).items()
    }


def test_an_ordinary_network() -> None:
    assert words() == {
        "bridges": ['"br0"'],
        "within": ['"br0" . "br0": accept'],
        "entering": ['ipv4 . "br0": goto published_only', 'ipv6 . "br0": goto published_only'],
        "home4": ['10.1.0.0/24 . "br0"'],
        "home6": ['fd01::/64 . "br0"'],
        "masquerade4": ["10.1.0.0/24"],
        "masquerade6": ["fd01::/64"],
    }


def test_an_internal_network_leads_nowhere() -> None:
    found = words(internal=True, masquerade=True, source_ipv4=ip_address("192.0.2.1"))
    assert found["internal"] == ['"br0"']
    assert found["entering"] == ['ipv4 . "br0": goto closed', 'ipv6 . "br0": goto closed']
    assert not found.keys() & {"masquerade4", "masquerade6", "source4", "source6"}


def test_without_communication_between_endpoints() -> None:
    assert words(icc=False)["within"] == ['"br0" . "br0": goto linked_only']


def test_without_masquerading() -> None:
    assert not words(masquerade=False).keys() & {"masquerade4", "masquerade6"}


def test_with_a_source_address() -> None:
    found = words(source_ipv4=ip_address("192.0.2.1"))
    assert found["source4"] == ["10.1.0.0/24: 192.0.2.1"]
    assert "masquerade4" not in found
    assert found["masquerade6"] == ["fd01::/64"]


def test_unprotected_in_one_family() -> None:
    assert words(unprotected=frozenset({6}))["entering"] == [
        'ipv4 . "br0": goto published_only',
        'ipv6 . "br0": goto exposed',
    ]


def test_routed_in_one_family() -> None:
    found = words(routed=frozenset({6}), trusted=("eth1", "eth2"))
    assert found["entering"] == ['ipv4 . "br0": goto trusted_direct', 'ipv6 . "br0": goto routed']
    assert found["trusted"] == ['"eth1" . "br0"', '"eth2" . "br0"']
    assert found["masquerade4"] == ["10.1.0.0/24"]
    assert "masquerade6" not in found


def test_direct_routing_everywhere() -> None:
    assert words(direct=True)["entering"] == ['ipv4 . "br0": goto direct', 'ipv6 . "br0": goto direct']


def test_nobody_is_trusted_by_an_internal_network() -> None:
    assert "trusted" not in words(internal=True, trusted=("eth1",))


def test_removal_undoes_addition() -> None:
    added, removed = network_added(segment()), network_removed(segment())
    assert {operation.inverse for operation in added} == set(removed)


def test_only_sets_that_the_table_has() -> None:
    declared = {declaration.name for declaration in DECLARATIONS}
    everything = segment(internal=False, icc=False, source_ipv6=ip_address("2001:db8::1"))
    assert network_contents(everything).keys() <= declared
    assert Element(("ipv4", '"br0"'), ("goto published_only",)) in network_contents(everything)["entering"]
