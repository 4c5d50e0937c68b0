"""Drivers by name, and the two that make nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.drivers.mac import mac_address
from weft.drivers.predefined import host_spec, none_spec
from weft.drivers.registry import built_in
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Forbidden, NotFound
from weft.model.network import NetworkRecord

REGISTRY = built_in()


def test_what_there_is() -> None:
    assert REGISTRY.names == ("bridge", "cni", "host", "ipvlan", "macvlan", "null")
    assert all(REGISTRY.get(name).name == name for name in REGISTRY.names)
    assert REGISTRY.get("").name == "bridge"


def test_what_there_is_not() -> None:
    with pytest.raises(NotFound, match=r"^could not find plugin weave in v1 plugin registry: plugin not found$"):
        REGISTRY.get("weave")
    with pytest.raises(Forbidden, match=r'^This node is not a swarm manager\. Use "docker swarm init" or'):
        REGISTRY.get("overlay")


@pytest.mark.parametrize("spec", [host_spec(), none_spec()], ids=lambda spec: spec.name)
def test_the_drivers_that_make_nothing(spec) -> None:  # type: ignore[no-untyped-def]
    driver = REGISTRY.get(spec.driver)
    record = NetworkRecord(id="a" * 64, created=0, spec=spec)
    endpoint = Endpoint(id="e" * 64, network_id=record.id)
    assert not driver.has_addresses
    assert not driver.create_network(record, NoHost())
    assert not driver.attach(record, endpoint, "box", EndpointSpec()) + driver.detach(record, endpoint)
    with pytest.raises(Forbidden, match=f'^only one instance of "{spec.driver}" network is allowed$'):
        driver.validate(spec)
    with pytest.raises(Forbidden, match=f'^network of type "{spec.driver}" cannot be deleted$'):
        driver.delete_network(record, NoHost())


class NoHost:
    """Facts that nobody may look at."""

    def link(self, name: str) -> None:
        raise AssertionError(name)

    def link_names(self) -> tuple[str, ...]:
        raise AssertionError


@given(st.binary(min_size=6, max_size=32))
def test_mac_addresses_are_local_and_unicast(material: bytes) -> None:
    parts = [int(part, 16) for part in mac_address(material).split(":")]
    assert len(parts) == 6
    assert parts[0] & 0b11 == 0b10
    assert bytes(parts[1:]) == material[1:6]


def test_a_mac_address_needs_six_bytes() -> None:
    with pytest.raises(ValueError, match="6 bytes, not 5"):
        mac_address(bytes(5))
