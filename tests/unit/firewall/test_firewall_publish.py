"""Published ports as elements."""

from collections.abc import Iterable
from ipaddress import IPv4Interface, IPv6Interface, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.firewall.publication import Publication, publications
from weft.firewall.publish import LONG_RUN, ports_published, ports_unpublished, publication_contents
from weft.model.endpoint import Endpoint
from weft.model.exposure import parse_exposure
from weft.model.port import ContainerPort, Protocol, PublishedPort
from weft.plan.operations import AddElements, DeleteElements, Element, ForgetFlows

ENDPOINT = Endpoint(
    id="e" * 64, network_id="n" * 64, ipv4=IPv4Interface("172.18.0.2/16"), ipv6=IPv6Interface("fd00::2/64")
)
V4_ONLY = Endpoint(id="e" * 64, network_id="n" * 64, ipv4=IPv4Interface("172.18.0.2/16"))


def port(host: str, host_port: int, number: int, protocol: Protocol = Protocol.TCP) -> PublishedPort:
    return PublishedPort(ContainerPort(number, protocol), ip_address(host), host_port)


def contents(*ports: PublishedPort, endpoint: Endpoint = ENDPOINT) -> dict[str, list[str]]:
    found = publication_contents(publications(ports, endpoint))
    return {name: [words(element) for element in elements] for name, elements in found.items()}


def words(element: Element) -> str:
    return f"{' '.join(element.key)} -> {' '.join(element.value)}"


def run(host: str, first: int, length: int, offset: int = 0) -> list[PublishedPort]:
    return [port(host, first + step + offset, first + step) for step in range(length)]


def test_every_address_and_one_address_of_both_families() -> None:
    assert contents(
        port("0.0.0.0", 8080, 80),
        port("::", 8080, 80),
        port("127.0.0.1", 53, 5353, Protocol.UDP),
        port("2001:db8::1", 9, 9, Protocol.SCTP),
    ) == {
        "ports4": ["tcp 8080 -> 172.18.0.2 80"],
        "ports6": ["tcp 8080 -> fd00::2 80"],
        "bound_ports4": ["127.0.0.1 udp 53 -> 172.18.0.2 5353"],
        "bound_ports6": ["2001:db8::1 sctp 9 -> fd00::2 9"],
    }


def test_a_family_that_the_endpoint_has_not_is_left_out() -> None:
    assert contents(port("0.0.0.0", 80, 80), port("::", 80, 80), endpoint=V4_ONLY) == {
        "ports4": ["tcp 80 -> 172.18.0.2 80"]
    }


def test_a_long_run_is_one_element() -> None:
    assert contents(*run("0.0.0.0", 8000, LONG_RUN), *run("192.0.2.1", 8000, LONG_RUN)) == {
        "runs4": ["tcp 8000-8063 -> 172.18.0.2"],
        "bound_runs4": ["192.0.2.1 tcp 8000-8063 -> 172.18.0.2"],
    }


def test_what_is_not_one_element() -> None:
    short = contents(*run("0.0.0.0", 8000, LONG_RUN - 1))
    assert list(short) == ["ports4"]
    moved = contents(*run("0.0.0.0", 8000, 100, offset=1000))
    assert "tcp 9000 -> 172.18.0.2 8000" in moved["ports4"]
    assert list(moved) == ["ports4"]
    broken = run("0.0.0.0", 8000, 100)
    del broken[50]
    assert len(contents(*broken)["ports4"]) == 99


def test_a_run_goes_on_where_a_port_leads_elsewhere() -> None:
    ports = [*run("0.0.0.0", 8000, 70), port("0.0.0.0", 8070, 1), *run("0.0.0.0", 8071, 70)]
    assert contents(*ports) == {
        "ports4": ["tcp 8070 -> 172.18.0.2 1"],
        "runs4": ["tcp 8000-8069 -> 172.18.0.2", "tcp 8071-8140 -> 172.18.0.2"],
    }


def test_endpoints_side_by_side_are_no_run() -> None:
    other = Endpoint(id="f" * 64, network_id="n" * 64, ipv4=IPv4Interface("172.18.0.3/16"))
    mixed = [*publications(run("0.0.0.0", 8000, 40), ENDPOINT), *publications(run("0.0.0.0", 8040, 40), other)]
    assert list(publication_contents(mixed)) == ["ports4"]


def test_taking_back_is_giving_reversed_and_forgets_udp_flows() -> None:
    held = publications(
        [port("0.0.0.0", 53, 5353, Protocol.UDP), port("::", 53, 5353, Protocol.UDP), port("::", 1, 2)], ENDPOINT
    )
    given, taken = ports_published(held).operations, ports_unpublished(held).operations
    assert [type(operation) for operation in given] == [AddElements, AddElements]
    assert [operation.inverse for operation in given] == list(taken[:2])
    assert all(isinstance(operation, DeleteElements) for operation in taken[:2])
    assert taken[2:] == (ForgetFlows(ip_address("172.18.0.2"), (5353,)), ForgetFlows(ip_address("fd00::2"), (5353,)))


def test_families_do_not_mix() -> None:
    with pytest.raises(ValueError, match="different families"):
        Publication(Protocol.TCP, ip_address("0.0.0.0"), 80, ip_address("fd00::2"), 80)


NUMBERS = st.integers(1, 65535)
RUNS = st.builds(lambda first, length: range(first, min(first + length, 65536)), NUMBERS, st.integers(1, 300))


@given(
    st.lists(RUNS, max_size=5), st.lists(st.tuples(NUMBERS, NUMBERS), max_size=20), st.randoms(use_true_random=False)
)
def test_every_port_leads_where_it_should_and_no_other_does(runs: list, singles: list, random) -> None:  # type: ignore[no-untyped-def]
    wanted = {number: number for span in runs for number in span} | dict(singles)
    held = [
        Publication(Protocol.TCP, ip_address("0.0.0.0"), host, ip_address("10.0.0.2"), to)
        for host, to in wanted.items()
    ]
    random.shuffle(held)
    assert reached(publication_contents(held)) == wanted


def reached(found: dict[str, Iterable[Element]]) -> dict[int, int]:
    ports = {int(element.key[1]): int(element.value[1]) for element in found.get("ports4", ())}
    for element in found.get("runs4", ()):
        first, last = map(int, element.key[1].split("-"))
        for number in range(first, last + 1):
            assert number not in ports
            ports[number] = number
    return ports


def test_a_routed_port_is_no_port_of_the_host() -> None:
    assert contents(port("0.0.0.0", 0, 80), port("::", 0, 53, Protocol.UDP)) == {
        "direct4": ["172.18.0.2 tcp 80 -> "],
        "direct6": ["fd00::2 udp 53 -> "],
    }


def test_a_port_that_is_reached_both_ways() -> None:
    found = publication_contents(publications([port("0.0.0.0", 8080, 80)], ENDPOINT, direct=True))
    assert {name: list(map(words, elements)) for name, elements in found.items()} == {
        "ports4": ["tcp 8080 -> 172.18.0.2 80"],
        "direct4": ["172.18.0.2 tcp 80 -> "],
    }


@pytest.mark.parametrize(
    ("policy", "chain", "listed"),
    [
        ("localhost", "refused", []),
        ("lan", "lan", []),
        ("192.0.2.7,10.0.0.0/8,fd00::/8", "listed", ["10.0.0.0/8", "192.0.2.7"]),
        ("fd00::/8", "listed", []),
    ],
)
def test_a_policy_is_an_element_by_container_port(policy: str, chain: str, listed: list[str]) -> None:
    """Two ports of the host that lead to one of the container share it."""
    ports = [port("0.0.0.0", 8080, 80), port("0.0.0.0", 8081, 80)]
    made = publications(ports, ENDPOINT, exposure=lambda _: parse_exposure(policy))
    found = publication_contents(made)
    assert [words(element) for element in found["exposure4"]] == [f"172.18.0.2 tcp 80 -> goto {chain}"]
    assert [element.key[3] for element in found.get("listed4", ())] == listed
    (undone,) = {type(operation) for operation in ports_unpublished(made)}
    assert undone is DeleteElements
    assert {each.inverse for each in ports_published(made)} == set(ports_unpublished(made))
