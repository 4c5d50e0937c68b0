"""Links between endpoints of a network without icc: what one container may ask of another."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from weft.firewall.contents import Contents, add, delete
from weft.firewall.sets import LINKS
from weft.model.port import ContainerPort
from weft.plan.operations import Element
from weft.plan.plan import Plan


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """`source` may open connections to that port of `target`, on the network that both are on."""

    source: IPv4Address
    target: IPv4Address
    port: ContainerPort


def flows_allowed(flows: Iterable[Flow]) -> Plan:
    """Return the plan that lets these flows pass."""
    return add(flow_contents(flows))


def flows_withdrawn(flows: Iterable[Flow]) -> Plan:
    """Return the plan that stops new connections of these flows."""
    return delete(flow_contents(flows))


def flow_contents(flows: Iterable[Flow]) -> Contents:
    """Return the elements that stand for flows."""
    elements = tuple(
        Element((str(flow.source), str(flow.target), flow.port.protocol.value, str(flow.port.number)))
        for flow in sorted(set(flows))
    )
    return {LINKS: elements} if elements else {}
