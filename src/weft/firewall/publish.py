"""What published ports add to the table: an element a port, or one for a long run of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from weft.firewall.chains import LAN, LISTED, REFUSED
from weft.firewall.contents import Contents, add, delete, merged
from weft.firewall.publication import Publication, Way
from weft.firewall.sets import (
    BOUND_RELAYED,
    BOUND_RELAYED_RUNS,
    FAMILIES,
    RELAY,
    RELAYED,
    RELAYED_HERE,
    RELAYED_HERE_RUNS,
    RELAYED_RUNS,
)
from weft.model.address import Address, Network, text
from weft.model.exposure import OPEN, Exposure, Reach
from weft.model.port import Protocol
from weft.plan.operations import Element, ForgetFlows
from weft.plan.plan import Plan

# Interval maps are slow to change and slower to search than plain ones: below this a run of ports is single elements.
LONG_RUN = 64


def ports_published(published: Iterable[Publication]) -> Plan:
    """Return the plan that publishes all ports of one endpoint."""
    return add(publication_contents(published))


def ports_unpublished(published: Iterable[Publication]) -> Plan:
    """Return the plan that takes back all ports of one endpoint, the same that were published together.

    UDP flows that go on without pause would keep their translation for ever, so they are forgotten.
    """
    held = tuple(published)
    return delete(publication_contents(held)) + Plan(tuple(_forget_flows(held)))


def ports_changed(former: Iterable[Publication], present: Iterable[Publication]) -> Plan:
    """Return the plan from one endpoint's ports to others, one transaction; what is in both is not touched.

    UDP flows through a port that is no longer published are forgotten.
    """
    had, has = tuple(former), tuple(present)
    before, after = publication_contents(had), publication_contents(has)
    gone = [publication for publication in had if publication not in has]
    return delete(_less(before, after)) + add(_less(after, before)) + Plan(tuple(_forget_flows_through(gone)))


def _less(contents: Contents, other: Contents) -> Contents:
    left: dict[str, tuple[Element, ...]] = {}
    for name, elements in contents.items():
        common = frozenset(other.get(name, ()))
        left[name] = tuple(element for element in elements if element not in common)
    return left


def _forget_flows_through(gone: Sequence[Publication]) -> Iterator[ForgetFlows]:
    """By the host's port, since the container's may be published by another one, whose flows go on."""
    for publication in gone:
        if publication.protocol is Protocol.UDP and publication.host_port:
            yield ForgetFlows(publication.address, (publication.host_port,))


def publication_contents(published: Iterable[Publication]) -> Contents:
    """Return the elements that stand for publications, by set; it does not matter which endpoints they lead to."""
    given = tuple(published)
    held = [each for each in given if each.way is Way.TRANSLATED]
    ordered = sorted((each for each in held if each.host_port), key=_order)
    parts = [_elements(run) for _, group in groupby(ordered, key=_target) for run in _runs(list(group))]
    parts += _directions(each for each in held if each.direct)
    parts += _permissions(each for each in held if each.exposure != OPEN)
    parts += _relayed(each for each in given if each.way is not Way.TRANSLATED)
    return merged({name: elements} for name, elements in parts)


def _relayed(publications: Iterable[Publication]) -> Iterator[tuple[str, tuple[Element, ...]]]:
    # By owner, like all runs: elements are the same whether an endpoint's are made by themselves or with all others.
    places: dict[tuple[str, str, str, tuple[str, ...]], list[int]] = {}
    for each in publications:
        key: tuple[str, ...] = (each.protocol.value,)
        if each.way is Way.RELAYED_HERE:
            sets = RELAYED_HERE, RELAYED_HERE_RUNS
        elif each.host_address.is_unspecified:
            sets = RELAYED, RELAYED_RUNS
        else:
            sets, key = (BOUND_RELAYED, BOUND_RELAYED_RUNS), (text(each.host_address), *key)
        places.setdefault((each.owner, *sets, key), []).append(each.host_port)
    for (_, ports, runs, key), numbers in places.items():
        for run in _consecutive(numbers):
            if len(run) >= LONG_RUN:
                yield runs, (Element((*key, _range(run))),)
            else:
                yield ports, tuple(Element((*key, str(number))) for number in run)


def _consecutive(numbers: Iterable[int]) -> Iterator[list[int]]:
    """Cut numbers, each once and in order, where there are gaps."""
    for _, run in groupby(enumerate(sorted(set(numbers))), key=lambda entry: entry[1] - entry[0]):
        yield [number for _, number in run]


def relay_listens(former: int, present: int) -> Plan:
    """Return the plan that sends relayed connections to the relay's port in place of the former one; 0 is none."""
    return delete(relay_contents(former)) + add(relay_contents(present))


def relay_contents(port: int) -> Contents:
    """Return the element that stands for the port that the relay listens on, 0 for none."""
    return {RELAY: (Element((Protocol.TCP.value,), (str(port),)),)} if port else {}


def _target(publication: Publication) -> tuple[int, int, int, str]:
    return (
        publication.host_address.version,
        int(publication.host_address),
        int(publication.address),
        publication.protocol.value,
    )


def _order(publication: Publication) -> tuple[tuple[int, int, int, str], bool, int]:
    return (_target(publication), _is_moved(publication), publication.host_port)


def _is_moved(publication: Publication) -> bool:
    return publication.host_port != publication.port


def _runs(group: Sequence[Publication]) -> Iterator[Sequence[Publication]]:
    """Cut one target's publications, those with their own port first and by number, where the numbers have gaps."""
    for _, run in groupby(enumerate(group), key=lambda entry: (_is_moved(entry[1]), entry[1].host_port - entry[0])):
        yield [publication for _, publication in run]


def _elements(run: Sequence[Publication]) -> tuple[str, tuple[Element, ...]]:
    first, family = run[0], FAMILIES[run[0].host_address.version]
    bound = not first.host_address.is_unspecified
    place = (text(first.host_address),) if bound else ()
    if len(run) >= LONG_RUN and not _is_moved(first):
        ports = f"{first.host_port}-{run[-1].host_port}"
        element = Element((*place, first.protocol.value, ports), (text(first.address),))
        return (family.bound_runs if bound else family.runs), (element,)
    elements = tuple(
        Element((*place, first.protocol.value, str(each.host_port)), (text(first.address), str(each.port)))
        for each in run
    )
    return (family.bound_ports if bound else family.ports), elements


def _directions(publications: Iterable[Publication]) -> Iterator[tuple[str, tuple[Element, ...]]]:
    """Yield the endpoints' ports that may be reached at their own addresses."""
    for (address, protocol, _), run in _of_endpoints(publications):
        family = FAMILIES[address.version]
        if len(run) >= LONG_RUN:
            yield family.direct_runs, (Element((text(address), protocol.value, _range(run))),)
        else:
            yield family.direct, tuple(Element((text(address), protocol.value, str(port))) for port in run)


def _permissions(publications: Iterable[Publication]) -> Iterator[tuple[str, tuple[Element, ...]]]:
    """Yield who may reach the endpoints' ports, where that is not everybody."""
    for (address, protocol, exposure), run in _of_endpoints(publications):
        family, place = FAMILIES[address.version], (text(address), protocol.value)
        verdict = (f"goto {_DECIDING[exposure.reach]}",)
        if len(run) >= LONG_RUN:
            yield family.exposure_runs, (Element((*place, _range(run)), verdict),)
        else:
            yield family.exposure, tuple(Element((*place, str(port)), verdict) for port in run)
        prefixes = [prefix for prefix in exposure.prefixes if prefix.version == family.version]
        if prefixes:
            yield family.listed, tuple(Element((*place, _range(run), _source(prefix))) for prefix in prefixes)


def _of_endpoints(
    publications: Iterable[Publication],
) -> Iterator[tuple[tuple[Address, Protocol, Exposure], list[int]]]:
    """Yield the runs of an endpoint's ports for which one policy holds."""
    places: dict[tuple[Address, Protocol, Exposure], list[int]] = {}
    for each in publications:
        places.setdefault((each.address, each.protocol, each.exposure), []).append(each.port)
    for place, numbers in places.items():
        for run in _consecutive(numbers):
            yield place, run


def _range(run: Sequence[int]) -> str:
    return f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0])


def _source(prefix: Network) -> str:
    return str(prefix) if prefix.num_addresses > 1 else str(prefix.network_address)


_DECIDING = {Reach.LAN: LAN, Reach.LOCALHOST: REFUSED, Reach.LISTED: LISTED}


def _forget_flows(published: Sequence[Publication]) -> Iterator[ForgetFlows]:
    udp = [publication for publication in published if publication.protocol is Protocol.UDP]
    for address in sorted({publication.address for publication in udp}, key=lambda each: (each.version, int(each))):
        ports = {publication.port for publication in udp if publication.address == address}
        yield ForgetFlows(address, tuple(sorted(ports)))
