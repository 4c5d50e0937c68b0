"""Which attachment carries the default routes."""

from ipaddress import IPv4Address, IPv6Address
from random import Random

import pytest

from weft.drivers.gateway import Gateways, choose_gateways
from weft.model.endpoint import Attachment, Endpoint, EndpointSpec
from weft.model.network import NetworkRecord, NetworkSpec


def on(
    name: str, families: str = "4", priority: int = 0, *, internal: bool = False
) -> tuple[NetworkRecord, Attachment]:
    endpoint = Endpoint(
        id=name * 2,
        network_id=f"id-{name}",
        gateway_ipv4=IPv4Address("10.0.0.1") if "4" in families else None,
        gateway_ipv6=IPv6Address("fd00::1") if "6" in families else None,
    )
    record = NetworkRecord(id=f"id-{name}", created=0, spec=NetworkSpec(name=name, internal=internal))
    spec = EndpointSpec(gateway_priority=priority)
    return record, Attachment(network_id=record.id, network_name=name, spec=spec, endpoint=endpoint)


@pytest.mark.parametrize(
    ("attachments", "ipv4", "ipv6"),
    [
        ([], None, None),
        ([on("a", "")], None, None),
        ([on("a"), on("b")], "a", None),
        ([on("a"), on("b", priority=1)], "b", None),
        ([on("a", priority=-1), on("b", priority=-2)], "a", None),
        ([on("a"), on("b", "46")], "b", "b"),
        ([on("a", "4", 5), on("b", "46")], "a", "b"),
        ([on("a", "4"), on("b", "6")], "a", "b"),
        ([on("a", "46", internal=True), on("b", "4")], "b", "a"),
        ([on("b", "46"), on("a", "46")], "a", "a"),
        ([on("a", "", 9, internal=True), on("b")], "b", None),
    ],
)
def test_the_choice(attachments: list[tuple[NetworkRecord, Attachment]], ipv4: str | None, ipv6: str | None) -> None:
    Random(7).shuffle(attachments)
    chosen = choose_gateways(attachments)
    assert chosen == Gateways(*(name and f"id-{name}" for name in (ipv4, ipv6)))


def test_a_stopped_container_has_none() -> None:
    record, attachment = on("a")
    stopped = Attachment(network_id=attachment.network_id, network_name="a")
    assert choose_gateways([(record, stopped)]) == Gateways()


def test_the_families_of_a_network() -> None:
    chosen = choose_gateways([on("a", "4", 5), on("b", "46")])
    assert chosen.versions_of("id-a") == {4}
    assert chosen.versions_of("id-b") == {6}
    assert chosen.versions_of("id-c") == frozenset()
